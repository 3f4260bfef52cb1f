/* Tells a service manager how the program is doing (sd_notify(3), the protocol alone). */
#ifndef SESAME_CLI_NOTIFY_H
#define SESAME_CLI_NOTIFY_H

/* Sends `state`, such as "READY=1", to the socket that NOTIFY_SOCKET names; without that variable
 * does nothing. A manager that does not listen is no failure. */
void notify_manager(const char *state);

#endif
