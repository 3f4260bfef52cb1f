/* The clock and the random bytes of a scripted host: moved and seeded by the test. */
#include "base/clock.h"

#include "script.h"

#include <stdatomic.h>
#include <string.h>

/* Of the process, because the real clock is. Threads of a plugin may read it. */
static _Atomic int64_t clock_ms = SCRIPT_CLOCK_START_MS;
static _Atomic int64_t wall_offset_ms = SCRIPT_WALL_START_MS - SCRIPT_CLOCK_START_MS;
static _Atomic int64_t tick_ms;
static _Atomic uint64_t random_state;

void script_clock_reset(uint64_t seed)
{
    clock_ms = SCRIPT_CLOCK_START_MS;
    wall_offset_ms = SCRIPT_WALL_START_MS - SCRIPT_CLOCK_START_MS;
    tick_ms = 0;
    random_state = seed;
}

int64_t script_clock_now_ms(void)
{
    return clock_ms;
}

void script_clock_set_ms(int64_t now_ms)
{
    clock_ms = now_ms;
}

void script_clock_set_wall_ms(int64_t wall_ms)
{
    wall_offset_ms = wall_ms - clock_ms;
}

void script_clock_set_tick(int64_t ms)
{
    tick_ms = ms;
}

void script_clock_tick(void)
{
    clock_ms += tick_ms;
}

int64_t script_clock_wall_ms(void)
{
    return clock_ms + wall_offset_ms;
}

int64_t clock_monotonic_ms(void)
{
    return clock_ms;
}

int64_t clock_monotonic_us(void)
{
    return clock_ms * 1000;
}

int64_t clock_wall_ms(void)
{
    return clock_ms + wall_offset_ms;
}

int64_t clock_wall_s(void)
{
    return clock_wall_ms() / 1000;
}

/* SplitMix64 (Steele, Lea, Flood 2014): good enough to look random, and the same each time. */
static uint64_t next_random(void)
{
    uint64_t z = atomic_fetch_add(&random_state, 0x9E3779B97F4A7C15u) + 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void random_bytes(void *out, size_t len)
{
    unsigned char *at = out;

    while (len > 0) {
        uint64_t value = next_random();
        size_t step = len < sizeof value ? len : sizeof value;

        memcpy(at, &value, step);
        at += step;
        len -= step;
    }
}
