/* Runs the program that the operator granted: JSON on its standard input, its output is the result.
 *
 * C++17. Nothing thrown leaves a function that the host calls: `guarded` stands in each of them. */
#include "plugins/kit/kit.h"

#include <sesame/program.h>
#include <sesame/tool.h>

#include <exception>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace
{

constexpr char config_schema[] = R"({"type":"object","properties":{
    "name":{"type":"string","pattern":"^[A-Za-z0-9_.-]{1,64}$"},
    "description":{"type":"string"},
    "parameters":{"type":"object","default":{"type":"object","properties":{}}},
    "output":{"enum":["text","json"],"default":"text"},
    "timeout_s":{"type":"integer","minimum":1,"maximum":600,"default":30},
    "output_max_bytes":{"type":"integer","minimum":1,"maximum":4194304,"default":1048576}},
    "required":["name","description"],"additionalProperties":false})";

constexpr int32_t json_depth_max = 64;
constexpr size_t log_line_max_bytes = 500, log_lines_max_count = 50, shown_max_bytes = 1000;

std::string_view view(sesame_text text)
{
    return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.len);
}

sesame_text text_of(std::string_view view)
{
    return {view.data(), view.size()};
}

/* A growing text of the kit that frees itself, and throws where the kit's fails. */
class Text
{
  public:
    Text() = default;
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    ~Text()
    {
        kit_clear(&buffer);
    }
    Text &add(std::string_view part)
    {
        kit_add_text(&buffer, text_of(part));
        return *this;
    }
    Text &add_quoted(const kit &tools, std::string_view part)
    {
        kit_add_quoted(&tools, &buffer, text_of(part));
        return *this;
    }
    sesame_text get() const
    {
        if (buffer.has_failed)
            throw std::bad_alloc();
        return kit_buffer_text(&buffer);
    }

  private:
    kit_buffer buffer = {};
};

} // namespace

struct sesame_instance {
    kit tools = {};
    const sesame_program_v1 *program = nullptr;
    const sesame_tool_host_v1 *completion = nullptr;
    std::string name; /* of its one function */
    std::string list; /* what `list` answers */
    bool wants_json = false;
    int64_t timeout_ms = 0;
    uint64_t output_max_bytes = 0;
    std::map<uint64_t, uint64_t> runs; /* by call */

    int32_t open(const sesame_host *host, sesame_text config);
    void start(uint64_t call, const sesame_tool_request &request);
    void finish(uint64_t call, const sesame_program_end &end);

  private:
    sesame_text raw(sesame_text config, const char *pointer) const;
    int64_t number(sesame_text config, const char *pointer) const;
    void complete(uint64_t call, std::string_view text, bool is_error) const;
    void log_lines(std::string_view lines) const;
};

namespace
{

/* What the host calls runs in here: what is thrown becomes a failure of `call`, 0 for none. */
template <typename Function>
void guarded(sesame_instance *instance, uint64_t call, Function function) noexcept
{
    try {
        function();
    } catch (const std::exception &) {
        if (call != 0)
            (void)instance->completion->complete(instance->tools.host, call, SESAME_INTERNAL,
                                                 kit_text("no memory for the call"));
    }
}

extern "C" {

static void on_end(sesame_instance *instance, uint64_t call, const sesame_program_end *end)
{
    guarded(instance, call, [=] { instance->finish(call, *end); });
}

static void list(sesame_instance *instance, uint64_t call, int64_t)
{
    (void)instance->completion->complete(instance->tools.host, call, SESAME_OK,
                                         text_of(instance->list));
}

static void call_function(sesame_instance *instance, uint64_t call,
                          const sesame_tool_request *request)
{
    if (view(request->function) != instance->name)
        (void)instance->completion->complete(instance->tools.host, call, SESAME_NOT_FOUND,
                                             kit_text("this tool has no such function"));
    else
        guarded(instance, call, [=] { instance->start(call, *request); });
}

static void cancel(sesame_instance *instance, uint64_t call)
{
    auto found = instance->runs.find(call);

    if (found != instance->runs.end())
        instance->program->cancel(instance->tools.host, found->second);
}

static const void *get_interface(const char *id)
{
    static constexpr sesame_tool_v1 tool = {list, call_function, cancel};

    return std::string_view(id) == SESAME_TOOL_V1 ? &tool : nullptr;
}

static int32_t create(const sesame_host *host, sesame_text config, sesame_instance **out_instance)
{
    int32_t status = SESAME_INTERNAL;

    guarded(nullptr, 0, [&] {
        auto instance = std::make_unique<sesame_instance>();

        status = instance->open(host, config);
        if (status == SESAME_OK)
            *out_instance = instance.release();
    });
    return status;
}

static void destroy(sesame_instance *instance)
{
    delete instance;
}

} // extern "C"

constexpr const char *needs[] = {SESAME_LOG_V1,     SESAME_JSON_V1,      SESAME_CLOCK_V1,
                                 SESAME_PROGRAM_V1, SESAME_TOOL_HOST_V1, nullptr};
constexpr const char *offers[] = {SESAME_TOOL_V1, nullptr};

} // namespace

/* ---- one call -------------------------------------------------------------------------------- */

void sesame_instance::complete(uint64_t call, std::string_view text, bool is_error) const
{
    Text result;

    result.add(R"({"text":)").add_quoted(tools, text).add(is_error ? R"(,"is_error":true})" : "}");
    (void)completion->complete(tools.host, call, SESAME_OK, result.get());
}

void sesame_instance::start(uint64_t call, const sesame_tool_request &request)
{
    sesame_program_run run = {};
    uint64_t &handle = runs[call]; /* room first: what runs must be known */
    int32_t status;

    run.input = request.arguments;
    run.call = call;
    run.deadline_ms = tools.clock->monotonic_ms(tools.host) + timeout_ms;
    run.output_max_bytes = output_max_bytes;
    status = program->start(tools.host, &run, on_end, call, &handle);
    if (status == SESAME_OK)
        return;
    runs.erase(call);
    (void)completion->complete(tools.host, call, status,
                               kit_text("the host did not run the program: see its log"));
}

void sesame_instance::log_lines(std::string_view lines) const
{
    for (size_t count = 0; !lines.empty() && count < log_lines_max_count; count++) {
        std::string_view line = lines.substr(0, lines.find('\n'));

        lines.remove_prefix(line.size() < lines.size() ? line.size() + 1 : line.size());
        if (!line.empty())
            tools.log->write(tools.host, SESAME_LOG_INFO,
                             text_of(line.substr(0, log_line_max_bytes)), {});
    }
}

void sesame_instance::finish(uint64_t call, const sesame_program_end &end)
{
    sesame_text fault = {};

    runs.erase(call);
    log_lines(view(end.errors));
    if (end.status != SESAME_OK) {
        (void)completion->complete(tools.host, call, end.status, end.message);
    } else if (end.exit_status != 0) {
        Text text;

        text.add("the program ended with status ").add(std::to_string(end.exit_status));
        if (end.output.len > 0)
            text.add(": ").add(view(end.output).substr(0, kit_prefix(end.output, shown_max_bytes)));
        complete(call, view(text.get()), true);
    } else if (wants_json &&
               tools.json->check(tools.host, end.output, json_depth_max, &fault) != SESAME_OK) {
        complete(call, std::string("the program's output is no JSON: ").append(view(fault)), true);
    } else {
        complete(call, view(end.output), false);
    }
}

/* ---- the instance ---------------------------------------------------------------------------- */

sesame_text sesame_instance::raw(sesame_text config, const char *pointer) const
{
    sesame_text value = {};

    (void)kit_find(&tools, config, pointer, &value);
    return value;
}

int64_t sesame_instance::number(sesame_text config, const char *pointer) const
{
    int64_t value = 0;

    (void)kit_get_int(&tools, config, pointer, &value);
    return value;
}

int32_t sesame_instance::open(const sesame_host *host, sesame_text config)
{
    if (!kit_open(&tools, host))
        return SESAME_INTERNAL;
    program = static_cast<const sesame_program_v1 *>(host->get_service(host, SESAME_PROGRAM_V1));
    completion =
        static_cast<const sesame_tool_host_v1 *>(host->get_service(host, SESAME_TOOL_HOST_V1));
    if (program == nullptr || completion == nullptr)
        return SESAME_NOT_FOUND;
    name = view(raw(config, "/name"));
    name = name.substr(1, name.size() - 2); /* without quotes; its pattern has no escapes */
    wants_json = view(raw(config, "/output")) == "\"json\"";
    timeout_ms = number(config, "/timeout_s") * 1000;
    output_max_bytes = static_cast<uint64_t>(number(config, "/output_max_bytes"));
    list.append(R"({"functions":[{"name":)").append(view(raw(config, "/name")));
    list.append(R"(,"description":)").append(view(raw(config, "/description")));
    list.append(R"(,"parameters":)").append(view(raw(config, "/parameters"))).append("}]}");
    return SESAME_OK;
}

const struct sesame_plugin sesame_plugin_v1 = {
    "command",     PACKAGE_VERSION, "Runs the program that the operator granted",
    config_schema, needs,           offers,
    get_interface, create,          nullptr,
    destroy,
};
