#!/usr/bin/env python3
"""Writes doc/plugin-reference.md from the comments of the public headers.

usage: doc/reference.py SOURCE-FOLDER [--check]

The page is committed, so that a build needs no Python. With --check it is compared with what would be
written, and every name that the headers declare must stand in it.
"""

import os
import re
import sys

HEADERS = ["plugin", "tool", "credential_provider", "services", "program", "simple_tool", "plugin_test"]

INTRO = """# Reference of the plugin contract

Written by `doc/reference.py` from the comments of the installed headers; change those, then run `make reference`. [abi-policy.md](abi-policy.md) says what a plugin can rely on.
"""


def prose(comment):
    """The text of a comment: paragraphs on one line each, what is laid out by hand as it is."""
    body = re.sub(r"^/\*+ ?|\s*\*+/$", "", comment.strip())
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in body.split("\n")]
    out = []
    # What is laid out by hand may follow a sentence that ends with a colon.
    text = re.sub(r":\n(?=  )", ":\n\n", "\n".join(lines))
    for paragraph in re.split(r"\n\s*\n", text):
        rows = [row for row in paragraph.split("\n") if row.strip()]
        if not rows:
            continue
        if any(row.startswith("  ") for row in rows):
            out.append("```text\n" + "\n".join(rows) + "\n```")
        else:
            out.append(" ".join(row.strip() for row in rows).replace("<", "\\<"))
    return "\n\n".join(out)


TOKEN = re.compile(r"/\*.*?\*/|#[^\n]*(?:\\\n[^\n]*)*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])+'|[{}();]|[^\s{}();\"'/#]+|\s+|.", re.S)


def tokens(text):
    return [token for token in TOKEN.findall(text) if token]


def declarations(text):
    """Yields (comment, code) for each declaration or #define, and ("", "---- title") for a section."""
    comment, code, depth = "", "", 0
    for token in tokens(text):
        if not code.strip() and token.startswith("/*"):
            title = re.match(r"/\* -{3,} (.*?) -{3,} \*/", token)
            if title:
                yield "", "---- " + title.group(1)
                comment = ""
            else:
                comment = token
            continue
        if token.startswith("#"):
            if re.match(r"#define SESAME_\w+[ (]", token):
                yield comment, token
            comment = ""
            continue
        if not code and token.isspace():
            if token.count("\n") > 1 and comment:
                yield comment, ""  # it stands for itself
                comment = ""
            continue
        code += token
        depth += (token == "{") - (token == "}")
        is_body = token == "}" and depth == 0 and re.match(r"static inline", code)
        if (token == ";" and depth == 0) or is_body:
            yield comment, code.strip()
            comment, code = "", ""


def members(body, end):
    """Yields (comment, code) for each member of a structure (`end` is ";") or enumeration (",")."""
    code, before, depth, done = "", "", 0, None
    for token in tokens(body + "\n"):
        if token.startswith("/*") and depth == 0:
            if done is not None and not code.strip():
                yield " ".join([before, token]).strip(), done
                before, done = "", None
            else:
                before = token
            continue
        if done is not None and (not token.isspace() or "\n" in token):
            yield before, done
            before, done = "", None
        depth += (token == "(") - (token == ")") + (token == "{") - (token == "}")
        if depth > 0 or not token.endswith(end):
            code += token
        elif code + token != end:
            done, code = re.sub(r"\s+", " ", (code + token)[: -len(end)].strip()), ""
    if done is not None:
        yield before, done


def member_line(comment, code):
    text = "\n\n".join(prose(part) for part in re.findall(r"/\*.*?\*/", comment, re.S))
    return ("- `%s`%s" % (code, ": " + text if text else "")).replace("\n", "\n  ").replace("\n  \n", "\n\n")


def constants(listed):
    ends = [code.split(" ")[0] for _, code in (listed[0], listed[-1])]
    return " to ".join("`%s`" % name for name in dict.fromkeys(ends))


def write_declaration(comment, code, out):
    text = prose(comment) if comment else ""
    structure = re.match(r"(struct (\w+)|enum)\s*\{(.*)\}\s*;$", code, re.S)
    if not code:
        out.append(text)
    elif structure:
        body = structure.group(3)
        listed = list(members(body, ";") if structure.group(2) else members(body + ",", ","))
        name = "`struct %s`" % structure.group(2) if structure.group(2) else constants(listed)
        out.append("#### " + name)
        if text:
            out.append(text)
        out.append("\n".join(member_line(*member) for member in listed))
    elif code.startswith("#define"):
        name, value = re.match(r"#define (\w+(?:\([^)]*\))?)\s*(.*)", code, re.S).groups()
        shown = "`%s` is `%s`" % (name, value) if "(" not in name and value else "`%s`" % name
        out.append("#### %s\n\n%s" % (shown, text) if text else "- " + shown)
    else:
        head = re.sub(r"\s+", " ", code.split("{")[0]).strip().rstrip(";")
        head = re.sub(r"^static inline ", "", head)
        out.append("#### `%s`" % head)
        if text:
            out.append(text)


def write_header(name, path, out):
    text = open(path, encoding="utf-8").read()
    first = re.match(r"/\*.*?\*/", text, re.S).group(0)
    out.append("## `<sesame/%s.h>`" % name)
    out.append(prose(first))
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif", "", text[len(first) :], flags=re.S)
    for comment, code in declarations(text):
        if code.startswith("---- "):
            out.append("### " + code[5:].capitalize())
        elif not re.match(r"struct \w+;$", code) or comment:
            write_declaration(comment, code, out)


def page(folder):
    out = [INTRO.rstrip()]
    for name in HEADERS:
        write_header(name, os.path.join(folder, name + ".h"), out)
    text = "\n\n".join(out) + "\n"
    return re.sub(r"(\n- [^\n]*)\n(?=\n- )", r"\1", text)


def missing_names(folder, text):
    """Names that the headers declare, found without the parser above, and not in `text`."""
    names = set()
    for name in HEADERS:
        header = open(os.path.join(folder, name + ".h"), encoding="utf-8").read()
        header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
        names |= {word for word in re.findall(r"\bSESAME_[A-Z0-9_]+\b", header) if not word.endswith("_H")}
        names |= set(re.findall(r"\bstruct (sesame_\w+)", header))
        names |= set(re.findall(r"\(\*(\w+)\)\(", header))
        names |= set(re.findall(r"^static inline [\w *]*?(\w+)\(", header, flags=re.M))
    unread = sorted(set(os.listdir(folder)) - {name + ".h" for name in HEADERS})
    return sorted(name for name in names if not re.search(r"\b%s\b" % name, text)) + unread


def main():
    source = sys.argv[1]
    folder = os.path.join(source, "plugins/include/sesame")
    path = os.path.join(source, "doc/plugin-reference.md")
    text = page(folder)
    missing = missing_names(folder, text)
    if missing:
        sys.exit("reference.py: not in the reference: " + ", ".join(missing))
    if "--check" in sys.argv[2:]:
        if open(path, encoding="utf-8").read() != text:
            sys.exit("reference.py: doc/plugin-reference.md is not what the headers say: run make reference")
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


main()
