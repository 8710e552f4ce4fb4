#include "sim/model.h"

#include <numeric>
#include <random>

#include "base/text.h"
#include "io/crypto.h"

namespace sim {

using base::cat;
using base::Json;
using modelsim::Reply;

namespace {

constexpr std::size_t body_bytes_max = 1 << 20;
constexpr base::Duration rest{1};

// What was said so far, in few letters: whoever asks something else gets another answer.
std::string digest(const Json& request) {
  const Json* said = base::find(request, {"messages"});
  if (!said) said = base::find(request, {"input"});
  return io::sha256_hex(said ? base::canonical(*said) : std::string()).substr(0, 8);
}

using Calls = std::vector<std::pair<std::string, std::string>>;

Calls calls_by_chance(std::mt19937_64& chance) {
  static const Calls known{
      {"note", R"({"text":"a"})"},
      {"look", R"({"what":"b"})"},
      {"write_file", R"({"path":"a.txt","content":"x"})"},
      {"read_file", R"({"path":"a.txt"})"},
      {"edit_file", R"({"path":"a.txt","edits":[{"old_string":"x","new_string":"y"}]})"},
      {"execute_command", R"({"command":"date"})"},
      {"fetch_url", R"({"url":"http://10.0.0.1/"})"},
      {"no_such_tool", "{}"}};
  Calls calls;
  for (auto count = 1 + chance() % 3; count > 0; --count)
    calls.push_back(known[chance() % known.size()]);
  return calls;
}

Calls calls_of_work(std::int64_t number, std::int64_t turn) {
  if (number == 0) {
    if (turn == 1)
      return {{"note", R"({"text":"a"})"},
              {"look", R"({"what":"b"})"},
              {"write_file", R"({"path":"a.txt","content":"x"})"}};
    if (turn == 2) return {{"execute_command", R"({"command":"date"})"}, {"no_such_tool", "{}"}};
    return {};
  }
  std::mt19937_64 chance(static_cast<std::uint64_t>(number));
  const auto turns = static_cast<std::int64_t>(chance() % 5);
  if (turn > turns) return {};
  Calls calls;
  for (std::int64_t at = 1; at <= turn; ++at) calls = calls_by_chance(chance);
  return calls;
}

// What an event, or a whole answer, tells of the usage.
void tell(std::string_view piece, protocol::Usage& usage) {
  std::string text(base::trim(piece));
  if (const auto data = text.find("data: "); data != std::string::npos)
    text = text.substr(data + 6);
  if (!text.starts_with("{")) return;
  const Json json = base::parse_json(text);
  for (const char* outer : {"", "message", "response"}) {
    const Json* found = *outer ? base::find(json, {outer, "usage"}) : base::find(json, {"usage"});
    if (!found || !found->is_object()) continue;
    for (const char* name : {"prompt_tokens", "input_tokens"})
      usage.inputTokens = base::find_int(*found, {name}).value_or(usage.inputTokens);
    for (const char* name : {"completion_tokens", "output_tokens"})
      usage.outputTokens = base::find_int(*found, {name}).value_or(usage.outputTokens);
  }
}

}  // namespace

std::pair<std::string, std::int64_t> parse_task(const std::string& task) {
  const auto words = base::split(task, ' ');
  return {words[0], words.size() < 2 ? 0 : base::parse_int(words[1]).value_or(0)};
}

Reply reply_to(const modelsim::Question& question, const Json& request) {
  const auto [kind, number] = parse_task(question.task);
  Reply reply;
  reply.usage = {10 * question.turn, 5 + question.turn};
  if (kind == "work") reply.calls = calls_of_work(number, question.turn);
  if (kind == "ask" && question.turn == 1) reply.calls = {{"look", R"({"what":"b"})"}};
  if (kind == "chat" && question.turn < number) reply.calls = {{"mine", R"({"a": 1})"}};
  reply.text = reply.calls.empty() ? digest(request) : "Hm.";
  return reply;
}

Model::Model(io::Loop& loop, base::Clock& clock, base::Log& log)
    : port(clock),
      loop_(loop),
      clock_(clock),
      http_(loop, clock, log, {}, [this](io::Exchange& exchange) { return answer(exchange); }),
      tasks_(loop) {
  port.open(http_, tasks_);
}

Model::~Model() {
  port.shut();
  tasks_.stop();
  loop_.run(tasks_.join());
}

io::Task<> Model::answer(io::Exchange& exchange) {
  const std::string body = co_await exchange.body(body_bytes_max);
  const auto endpoint = llm::find_endpoint(exchange.target());
  const Json request = base::parse_json(body);
  const std::size_t number = asked_.size();
  asked_.push_back({.hash = io::sha256_hex(body),
                    .gateway = static_cast<int>(base::parse_int(exchange.peer().address).value())});
  if (on_asked) on_asked(asked_[number], number);

  const modelsim::Question question = modelsim::read_question(*endpoint, request);
  const Reply reply = reply_to(question, request);
  const modelsim::Head head{base::text_at(request, {"model"}), 0, question.turn};
  const bool streamed = base::find_bool(request, {"stream"}).value_or(false);
  std::vector<std::string> pieces;
  if (streamed)
    pieces = modelsim::encode_stream(*endpoint, head, reply);
  else
    pieces.push_back(base::to_text(modelsim::encode_whole(*endpoint, head, reply)));
  const auto length = std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                                      [](auto sum, const auto& one) { return sum + one.size(); });
  Treatment treatment = treat ? treat(asked_[number], length) : Treatment{};
  if (treatment.think > base::Duration(0)) co_await io::sleep(clock_, treatment.think);
  if (treatment.status != 200) {
    io::Response refusal{
        static_cast<int>(treatment.status),
        {{"Content-Type", "application/json"}},
        base::to_text(modelsim::encode_error(*endpoint, treatment.status, "as planned", ""))};
    if (treatment.status == 429) refusal.headers.set("Retry-After", "1");
    co_await exchange.respond(std::move(refusal));
    co_return;
  }
  asked_[number].billed = {reply.usage.prompt_tokens, reply.usage.completion_tokens};
  co_await exchange.begin(200,
                          {{"Content-Type", streamed ? "text/event-stream" : "application/json"}});
  co_await stream(exchange, number, std::move(pieces), std::move(treatment));
}

io::Task<> Model::stream(io::Exchange& exchange, std::size_t number,
                         std::vector<std::string> pieces, Treatment treatment) {
  std::size_t sent = 0;
  for (const std::string& piece : pieces) {
    if (treatment.pause > base::Duration(0)) co_await io::sleep(clock_, treatment.pause);
    std::string rest_of_it = piece;
    const bool is_last = &piece == &pieces.back();
    const std::size_t end = sent + piece.size();
    if (treatment.halt && *treatment.halt >= sent &&
        (*treatment.halt < end || (is_last && *treatment.halt == end))) {
      const std::string begun = piece.substr(0, *treatment.halt - sent);
      rest_of_it = piece.substr(begun.size());
      // What may be known is known as soon as it may leave us.
      if (base::trim(rest_of_it).empty()) tell(piece, asked_[number].may_know);
      if (!begun.empty()) co_await exchange.send(begun);
      co_await io::sleep(clock_, rest);
      if (treatment.then) treatment.then();
      co_await io::sleep(clock_, rest);
      if (treatment.breaks) throw base::Error(base::Code::unavailable, "a break as planned");
    }
    tell(piece, asked_[number].may_know);
    if (!rest_of_it.empty()) co_await exchange.send(rest_of_it);
    if (pieces.size() > 1) tell(piece, asked_[number].told);
    sent = end;
  }
  co_await exchange.end();
  if (pieces.size() == 1) tell(pieces.front(), asked_[number].told);
  asked_[number].whole = true;
}

}  // namespace sim
