/* Becomes the one program that the operator granted a tool: that file, with the arguments of the
 * configuration, once.
 *
 * It may read the system's libraries and what the configuration names, compute, start threads, and
 * write to its two pipes to the host. It has no network, no environment, no other files, no other
 * program, no process of its own and no right over others; it dies with the host. Without any one
 * of the means for that it is not started. */
#ifndef SESAME_SANDBOX_PROGRAM_H
#define SESAME_SANDBOX_PROGRAM_H

/* Takes the order (WIRE_PROGRAM) from the host and does not come back, except with an exit status
 * after an error, whose reason is on standard error. A trial writes the guards in force to standard
 * output in place of the program. */
int program_become(int host_fd);

#endif
