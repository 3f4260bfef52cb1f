/* What every fuzz target defines. */
#ifndef SESAME_TESTS_FUZZ_H
#define SESAME_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
