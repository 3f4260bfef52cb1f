/* Where the plugins and the page lie: beside the program in a build tree, else where installed. */
#ifndef SESAME_CLI_LOCATE_H
#define SESAME_CLI_LOCATE_H

/* The caller frees; NULL without memory. */
char *locate_plugins(const char *configured);
char *locate_web(const char *configured);

/* The folder with one template folder for each kind of plugin. */
char *locate_templates(void);

/* The program that runs a plugin placed in a process. */
char *locate_sandbox(void);

/* A program beside this one, else in the PATH's usual places; NULL when there is none. */
char *locate_program(const char *name);

#endif
