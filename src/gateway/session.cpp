#include "gateway/session.h"

#include <ranges>
#include <span>

#include "base/text.h"
#include "gateway/foreign.h"
#include "io/crypto.h"
#include "protocol/codec.h"

namespace gateway {

using base::cat;
using protocol::Message;

namespace {

constexpr std::size_t page = 500;

bool has_result(const journal::TurnRecord& turn) {
  return turn.outcome && !turn.outcome->error && !is_foreign(turn.intent);
}

}  // namespace

std::string blob_name(std::string_view bytes) { return io::sha256_hex(bytes); }

void ModelCall::add(std::string_view text) {
  pieces_.emplace_back(text);
  std::exchange(more_, std::make_shared<io::Event>())->set();
}

void ModelCall::end(ForeignAnswer answer) {
  answer_ = std::move(answer);
  ended_ = true;
  more_->set();
}

void ModelCall::end(Outdated) {
  outdated_ = ended_ = true;
  more_->set();
}

void ModelCall::end(protocol::TurnEvent last) {
  last_ = std::move(last);
  ended_ = true;
  more_->set();
}

io::Task<std::optional<std::string>> ModelCall::piece(std::size_t at) {
  while (at >= pieces_.size() && !ended_) {
    auto more = more_;
    co_await more->wait();
  }
  if (at >= pieces_.size()) co_return std::nullopt;
  co_return pieces_[at];
}

Session::Session(journal::Journal& journal, std::string uid)
    : journal_(journal), uid_(std::move(uid)) {}

io::Task<> Session::catch_up() {
  auto turn = co_await at_journal_.acquire();
  co_await read_on();
}

io::Task<> Session::read_on() {
  const auto state = co_await journal_.state(uid_);
  const std::int64_t last = state ? state->seq : -1;
  if (last == last_) co_return;
  known_turn_ = 0;
  if (last < last_) {  // a database that was set back
    record_ = {};
    fence_ = {};
    last_ = -1;
  }
  while (last_ < last) {
    const auto events = co_await journal_.events(uid_, last_, page);
    if (events.empty()) throw base::Error(base::Code::internal, cat("run ", uid_, " lost events"));
    for (const auto& event : events) {
      journal::add_to(record_, event);
      enter_execution(event.fence);
      last_ = event.seq;
    }
  }
}

void Session::enter_execution(journal::Fence fence) {
  if (fence <= fence_) return;
  fence_ = fence;
  used.clear();
  torn.clear();
}

io::Task<> Session::begin(journal::Batch batch) {
  const auto events = batch.events;
  const journal::Fence fence = batch.fence;
  co_await commit(std::move(batch));
  for (const auto& fresh : events)
    journal::add_to(record_, {.run = uid_,
                              .fence = fence,
                              .kind = fresh.kind,
                              .version = fresh.version,
                              .body = fresh.body});
}

io::Task<> Session::begin_execution(std::int64_t attempt, std::string agent, std::string pod_uid) {
  if (attempt < fence_.attempt)
    throw base::Error(base::Code::gone, "a newer pod of this run is at work");
  journal::Fence next{attempt, attempt == fence_.attempt ? fence_.execution + 1 : 1};
  journal::Batch batch{.run = uid_, .fence = next, .events = {}, .blobs = {}};
  batch.add(journal::ExecutionBegun{.agent = std::move(agent), .podUid = std::move(pod_uid)});
  co_await commit(std::move(batch));
}

void Session::check_fence(std::string_view header) const {
  if (header == cat(fence_.attempt, ".", fence_.execution)) return;
  throw base::Error(base::Code::gone, cat("execution ", header.empty() ? "?" : header, " is over: ",
                                          fence_.attempt, ".", fence_.execution, " has begun"));
}

io::Task<std::int64_t> Session::commit(journal::Batch batch) {
  auto turn = co_await at_journal_.acquire();
  const journal::Fence fence = batch.fence;
  if (fence < fence_) throw Outdated("another execution has begun meanwhile");
  const std::int64_t known = last_;
  batch.after = known;
  std::string refused;
  try {
    last_ = co_await journal_.append(std::move(batch));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::conflict && error.code() != base::Code::exists) throw;
    refused = error.what();
  }
  if (refused.empty()) {
    enter_execution(fence);
    co_return last_;
  }
  co_await read_on();
  if (last_ == known) throw base::Error(base::Code::gone, refused);
  throw Outdated(refused);
}

void Session::note(journal::ModelIntent intent) {
  auto& turn = record_.turns[intent.turn];
  turn = {std::move(intent), {}};
}

void Session::note(journal::ModelOutcome outcome) {
  auto& turn = record_.turns[outcome.turn];
  turn.outcome = std::move(outcome);
}

void Session::note(journal::ToolIntent intent) {
  auto& call = record_.calls[intent.call];
  call = {std::move(intent), {}, fence_};
}

void Session::note(journal::ToolOutcome outcome) {
  record_.ended.push_back(outcome.call);
  auto& call = record_.calls[outcome.call];
  call.outcome = std::move(outcome);
}

std::vector<std::string> Session::foreign_conversation(std::int64_t turn) const {
  std::vector<const journal::ModelIntent*> line;
  for (auto at = record_.turns.find(turn); at != record_.turns.end();
       at = record_.turns.find(at->second.intent.parent))
    line.push_back(&at->second.intent);
  std::vector<std::string> blobs;
  for (const auto* intent : std::views::reverse(line))
    blobs.insert(blobs.end(), intent->appended.begin(), intent->appended.end());
  return blobs;
}

std::pair<std::int64_t, std::size_t> Session::find_parent(
    const std::string& endpoint, const std::vector<std::string>& blobs) const {
  std::map<std::int64_t, std::size_t> beginnings;  // turns whose conversation one is: its length
  std::pair<std::int64_t, std::size_t> best{0, 0};
  for (const auto& [number, turn] : record_.turns) {
    if (turn.intent.endpoint != endpoint) continue;
    std::size_t known = 0;
    if (record_.turns.contains(turn.intent.parent)) {
      const auto parent = beginnings.find(turn.intent.parent);
      if (parent == beginnings.end()) continue;
      known = parent->second;
    }
    const auto& more = turn.intent.appended;
    const auto rest = std::span(blobs).subspan(known);
    if (more.size() > rest.size() || !std::ranges::equal(more, rest.first(more.size()))) continue;
    known += more.size();
    beginnings[number] = known;
    if (known > best.second) best = {number, known};
  }
  return best;
}

io::Task<base::Json> Session::foreign_request(std::int64_t turn) {
  const journal::ModelIntent intent = record_.turns.at(turn).intent;
  base::JsonObject body;
  if (!intent.given.empty()) {
    const std::string given = co_await blob(intent.given);
    body = base::parse_json(given).as_object();
  }
  if (!intent.tools.empty()) {
    const std::string tools = co_await blob(intent.tools);
    body["tools"] = base::parse_json(tools);
  }
  std::vector<std::string> names = foreign_conversation(turn);
  if (!names.empty()) {
    const auto contents = co_await journal_.blobs(std::move(names));
    base::JsonArray conversation;
    for (const auto& text : contents) conversation.push_back(base::parse_json(text));
    body[conversation_member(*llm::find_endpoint(intent.endpoint))] = std::move(conversation);
  }
  co_return body;
}

io::Task<ForeignAnswer> Session::foreign_answer(std::int64_t turn) {
  const journal::ModelOutcome outcome = *record_.turns.at(turn).outcome;
  std::string bytes = co_await blob(outcome.message);
  co_return ForeignAnswer{outcome.contentType, std::move(bytes)};
}

void Session::note(journal::RunOutcome outcome) { record_.outcome = std::move(outcome); }

io::Task<std::string> Session::blob(std::string sha256) {
  std::vector<std::string> one{std::move(sha256)};
  auto contents = co_await journal_.blobs(std::move(one));
  co_return std::move(contents.front());
}

io::Task<std::optional<protocol::TurnResult>> Session::result(std::int64_t turn) {
  auto at = record_.turns.find(turn);
  if (at == record_.turns.end() || !has_result(at->second)) co_return std::nullopt;
  const journal::ModelOutcome outcome = *at->second.outcome;
  const std::string text = co_await blob(outcome.message);
  co_return protocol::TurnResult{protocol::from_text<Message>(text), outcome.usage, outcome.finish};
}

io::Task<std::vector<Message>> Session::conversation(std::int64_t parent) {
  if (parent == 0) co_return std::vector<Message>{};
  if (parent == known_turn_) co_return known_;
  auto answer = co_await result(parent);
  const auto at = record_.turns.find(parent);
  if (at == record_.turns.end() || !answer)
    throw base::Error(base::Code::invalid,
                      cat("parent: turn ", parent, " of this run is not completed"));
  const journal::ModelIntent intent = at->second.intent;
  std::vector<Message> messages = co_await conversation(intent.parent);
  std::vector<std::string> appended = co_await journal_.blobs(intent.appended);
  for (const auto& text : appended) messages.push_back(protocol::from_text<Message>(text));
  messages.push_back(std::move(answer->message));
  known_turn_ = parent;
  known_ = messages;
  co_return messages;
}

io::Task<std::vector<protocol::ToolDefinition>> Session::tools(std::int64_t turn) {
  std::vector<protocol::ToolDefinition> out;
  for (std::int64_t at = turn; at != 0;) {
    auto known = record_.turns.find(at);
    if (known == record_.turns.end()) break;
    if (known->second.intent.tools.empty()) {
      at = known->second.intent.parent;
      continue;
    }
    const std::string text = co_await blob(known->second.intent.tools);
    const base::Json list = base::parse_json(text);
    for (const auto& item : list.as_array())
      out.push_back(schema::read<protocol::ToolDefinition>(item));
    break;
  }
  co_return out;
}

io::Task<std::vector<protocol::PastTurn>> Session::past() {
  std::vector<protocol::PastTurn> out;
  std::vector<std::string> names;  // of each turn: what was appended, the answer
  for (const auto& [number, turn] : record_.turns) {
    if (!has_result(turn)) continue;
    const auto& appended = turn.intent.appended;
    out.push_back({number, turn.intent.parent, std::vector<Message>(appended.size()), {}});
    names.insert(names.end(), appended.begin(), appended.end());
    names.push_back(turn.outcome->message);
  }
  if (out.empty()) co_return out;
  const auto texts = co_await journal_.blobs(std::move(names));
  auto text = texts.begin();
  for (auto& turn : out) {
    for (auto& message : turn.append) message = protocol::from_text<Message>(*text++);
    turn.answer = protocol::from_text<Message>(*text++);
  }
  co_return out;
}

io::Task<std::optional<protocol::Outcome>> Session::outcome() {
  if (!record_.outcome) co_return std::nullopt;
  const journal::RunOutcome known = *record_.outcome;
  protocol::Outcome out{known.status, "", known.error};
  if (!known.text.empty()) out.text = co_await blob(known.text);
  co_return out;
}

}  // namespace gateway
