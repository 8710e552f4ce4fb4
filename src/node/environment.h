// Environment and command line of a container.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "node/sources.h"

namespace node {

using Variables = std::vector<std::pair<std::string, std::string>>;

// The image's variables, then envFrom, then env in order, each name once (the last one wins), with
// valueFrom resolved and $(NAME) expanded from the variables before it ("$$(NAME)" stays
// "$(NAME)"). The error says what is missing, as a kubelet words it. No variables of Services are
// added: a pod here reaches none.
std::expected<Variables, std::string> environment(const base::Json& pod,
                                                  const base::Json& container,
                                                  const Variables& image, const Sources&,
                                                  const Facts&);

// $(NAME) replaced where NAME is known, "$$" by "$".
std::string expand(std::string_view text, const Variables&);

struct Command {
  std::vector<std::string> entrypoint, arguments;
};
// `command` replaces the image's entrypoint and its arguments, `args` its arguments only.
std::vector<std::string> command_line(const base::Json& container, const Command& image,
                                      const Variables&);

}  // namespace node
