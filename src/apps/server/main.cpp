// sympozium-server: the roles that stand on servers instead of files.
#include <algorithm>
#include <cstdio>
#include <functional>

#include "apps/roles/role.h"
#include "base/error.h"
#include "database.h"

namespace {

constexpr char help[] =
    "usage: sympozium-server COMMAND [flags]\n"
    "\n"
    "  gateway --database FILE --kubeconfig FILE --audit-key FILE [--forget-after AGE]\n"
    "            the enforcement point, with the journal in PostgreSQL; any number may share one.\n"
    "            Serves bridges on the socket \"gateway\", the journal for an API server on the\n"
    "            socket \"journal\", both handed over as sd_listen_fds(3) says. Signs with the\n"
    "            Ed25519 key of --audit-key; forgets runs that ended AGE ago, as 720h\n"
    "  control --kubeconfig FILE [--lease NAMESPACE/NAME [--identity NAME]]\n"
    "            the controllers; of those that share a lease one works. One that comes back\n"
    "            under the name of one that died goes on at once (default: a new name)\n"
    "  migrate --database FILE\n"
    "            make the journal's tables, or bring them up to date; FILE - is standard input\n"
    "\n"
    "FILE of --database holds the connection string: host=… dbname=… user=… password=…, or\n"
    "postgresql://…, with all that libpq knows. Exit codes: 0, 1 not now or not allowed, 2 what "
    "was\n"
    "told is wrong.\n";

struct Command {
  std::string_view name;
  std::function<int(const std::vector<std::string>&)> run;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const Command commands[] = {
      {"gateway", app::run_gateway}, {"control", app::run_control}, {"migrate", app::run_migrate}};
  const bool wants_help = std::ranges::any_of(
      words, [](const std::string& word) { return word == "--help" || word == "-h"; });
  if (wants_help || words == std::vector<std::string>{"--version"}) {
    std::fputs(wants_help ? help : "sympozium-server  " SYMPOZIUM_VERSION "\n", stdout);
    return 0;
  }
  const auto command =
      std::ranges::find(commands, words.empty() ? "" : words.front(), &Command::name);
  if (command == std::end(commands)) {
    std::fputs(help, stderr);
    return 2;
  }
  try {
    return command->run({words.begin() + 1, words.end()});
  } catch (const base::Error& error) {
    std::fprintf(stderr, "sympozium-server: %s\n", error.what());
    return error.code() == base::Code::invalid ? 2 : 1;
  }
}
