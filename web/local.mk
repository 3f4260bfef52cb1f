# web: the chat page
webdir = $(pkgdatadir)/web
dist_web_DATA = \
    web/auth.js web/chat-client.js web/icon.svg web/index.html web/main.js web/markdown.js \
    web/message.js web/sample-layout.js web/style.css web/take-token.js web/texts.js
