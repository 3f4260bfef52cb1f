/* The open calls of one instance: each ends exactly once, whatever the plugin does. */
#include "plugin/plugin_call.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "credential/subject.h"
#include "net/loop.h"

#define GRACE_MS 2000

static void finish(struct plugin_call *call)
{
    *call->link = call->next;
    if (call->next != NULL)
        call->next->link = call->link;
    loop_timer_free(TAKE(call->timer));
    subject_free(TAKE(call->subject));
    call->book->finish(call);
}

void plugin_call_end(struct plugin_call *call, bool was_completed)
{
    struct call_book *book = call->book;

    handle_take(&book->instance->handles, HANDLE_CALL, call->handle);
    service_program_end_call(book->instance, call->handle);
    book->ended[book->ended_next].handle = call->handle;
    book->ended[book->ended_next].was_completed = was_completed;
    book->ended_next = (book->ended_next + 1) % CALL_BOOK_ENDED_COUNT;
    call->is_ending = true;
    /* Off the plugin's stack; the timer is there already, so this cannot fail. */
    loop_timer_start(call->timer, 0);
}

void plugin_call_ask(struct plugin_call *call)
{
    struct call_book *book = call->book;

    if (call->is_ending || call->is_cancelled)
        return;
    call->is_cancelled = true;
    loop_timer_start(call->timer, GRACE_MS);
    book->cancel(book, call->handle);
}

static void on_timer(void *arg)
{
    struct plugin_call *call = arg;

    if (call->is_ending) {
        finish(call);
    } else if (!call->is_cancelled) {
        call->is_late = true;
        plugin_call_ask(call);
    } else {
        instance_misbehaved(call->book->instance, "never_completed");
        call->book->give_up(call);
        plugin_call_end(call, false);
    }
}

bool plugin_call_open(struct call_book *book, struct plugin_call *call, struct subject *subject,
                      int64_t deadline_ms, struct error *err)
{
    int64_t left_ms = deadline_ms - clock_monotonic_ms();

    call->timer = loop_timer_new(book->instance->home.loop, on_timer, call, err);
    if (call->timer == NULL)
        return false;
    call->handle = handle_add(&book->instance->handles, HANDLE_CALL, call);
    if (call->handle == 0) {
        loop_timer_free(TAKE(call->timer));
        return error_set(err, ERROR_LIMIT, "%s has too many open calls", book->instance->name);
    }
    call->book = book;
    call->subject = subject_ref(subject);
    call->deadline_ms = deadline_ms;
    call->next = book->calls;
    if (call->next != NULL)
        call->next->link = &call->next;
    call->link = &book->calls;
    book->calls = call;
    loop_timer_start(call->timer, left_ms > 0 ? left_ms : 0);
    return true;
}

struct plugin_call *plugin_call_complete(struct call_book *book, struct plugin_instance *instance,
                                         uint64_t handle)
{
    struct plugin_call *call = handle_get(&instance->handles, HANDLE_CALL, handle);

    /* What is open at the end is forgotten without telling the plugin. */
    if (call != NULL || instance->is_stopping)
        return call;
    for (size_t i = 0; i < CALL_BOOK_ENDED_COUNT; i++)
        if (book->ended[i].handle == handle && handle != 0) {
            instance_misbehaved(instance, book->ended[i].was_completed ? "completed_twice"
                                                                       : "completed_late");
            return NULL;
        }
    instance_misbehaved(instance, "unknown_handle");
    return NULL;
}

const struct plugin_call *plugin_call_find(const struct plugin_instance *instance, uint64_t handle)
{
    return handle_get(&instance->handles, HANDLE_CALL, handle);
}

bool plugin_call_is_late(const struct plugin_call *call)
{
    bool was_asked =
        call->is_cancelled || (call->cancel_flag != NULL && atomic_load(call->cancel_flag));

    return call->is_late || (!was_asked && clock_monotonic_ms() >= call->deadline_ms);
}

bool plugin_call_is_cancelled(const struct plugin_instance *instance, uint64_t handle)
{
    const struct plugin_call *call = plugin_call_find(instance, handle);

    return call == NULL || call->is_cancelled ||
           (call->cancel_flag != NULL && atomic_load(call->cancel_flag)) ||
           clock_monotonic_ms() >= call->deadline_ms;
}

void call_book_forget(struct call_book *book)
{
    while (book->calls != NULL) {
        struct plugin_call *call = book->calls;

        handle_take(&book->instance->handles, HANDLE_CALL, call->handle);
        call->is_silent = true;
        finish(call);
    }
}
