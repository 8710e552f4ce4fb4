#include "postgres/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "io/conn.h"

namespace postgres {

namespace {

using base::cat;

std::string find(const Conninfo& info, std::string_view name) {
  for (const auto& [word, value] : info.words)
    if (word == name) return value;
  return "";
}

// A dead peer is noticed within half a minute.
const std::vector<std::pair<std::string, std::string>> defaults = {
    {"fallback_application_name", "sympozium"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "20000"},
};

bool is_name(std::string_view host) {
  return !host.empty() && host.front() != '/' && host.front() != '@';
}

}  // namespace

Conninfo parse_conninfo(const base::Secret<std::string>& conninfo) {
  char* words = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(conninfo.reveal().c_str(), &words), PQconninfoFree);
  PQfreemem(words);  // may quote the password
  if (!options)
    throw base::Error(base::Code::invalid,
                      "the PostgreSQL connection string cannot be read: expected \"host=… dbname=… "
                      "user=…\" or \"postgresql://user@host/dbname\", with the names of libpq");
  Conninfo info;
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option)
    if (option->val) info.words.emplace_back(option->keyword, option->val);
  // libpq would take the name of our system user, which may have none.
  if (find(info, "user").empty() && find(info, "service").empty())
    throw base::Error(base::Code::invalid,
                      "the PostgreSQL connection string names no user: add user=…");
  for (const auto& [word, value] : defaults)
    if (find(info, word).empty()) info.words.emplace_back(word, value);
  std::erase_if(info.words, [](const auto& word) { return word.first == "client_encoding"; });
  info.words.emplace_back("client_encoding", "UTF8");
  const std::string host = find(info, "host"), address = find(info, "hostaddr"),
                    port = find(info, "port");
  info.where = cat(!host.empty() ? host : address, port.empty() ? "" : ":" + port, "/",
                   find(info, "dbname"));
  return info;
}

io::Task<> resolve_hosts(Conninfo& info) {
  const auto hosts = base::split(find(info, "host"), ',');
  if (!find(info, "hostaddr").empty() || std::ranges::none_of(hosts, is_name)) co_return;
  std::vector<std::string> addresses;
  for (const std::string& host : hosts) {
    std::string address;
    if (is_name(host)) {
      const auto found = co_await io::resolve(host);
      address = found.front();
    }
    addresses.push_back(address);
  }
  info.words.emplace_back("hostaddr", base::join(addresses, ","));
}

}  // namespace postgres
