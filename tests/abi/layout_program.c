/* The layout of what came after 1.0: sesame.program/1. */
#include <sesame/program.h>

#include <stddef.h>

/* On machines with 8-byte pointers. */
#define AT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #member)
#define SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

#if UINTPTR_MAX == UINT64_MAX
AT(sesame_program_run, input, 0);
AT(sesame_program_run, call, 16);
AT(sesame_program_run, deadline_ms, 24);
AT(sesame_program_run, output_max_bytes, 32);
AT(sesame_program_run, flags, 40);
AT(sesame_program_run, reserved, 44);
SIZE(sesame_program_run, 48);
AT(sesame_program_end, status, 0);
AT(sesame_program_end, exit_status, 4);
AT(sesame_program_end, output, 8);
AT(sesame_program_end, errors, 24);
AT(sesame_program_end, message, 40);
SIZE(sesame_program_end, 56);
AT(sesame_program_v1, start, 0);
AT(sesame_program_v1, cancel, 8);
SIZE(sesame_program_v1, 16);
#endif
_Static_assert(sizeof SESAME_PROGRAM_V1 == sizeof "sesame.program/1", "the service's id");
