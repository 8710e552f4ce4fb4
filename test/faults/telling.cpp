#include "faults/telling.h"

#include "base/text.h"

namespace faults {

using base::cat;

namespace {

constexpr base::Duration settling{2'000};  // for what the controller does at its own start
constexpr base::Duration rest{180'000};    // for everything that is late

}  // namespace

std::string describe(const Story& story, const Circumstances& with) {
  std::string text = cat(story.name, ":");
  for (const Fault& fault : with.faults) text += cat(" ", format(fault));
  if (with.controllers == Controllers::several) text += ", two controllers";
  if (with.seed) text += cat(", seed ", *with.seed);
  return text;
}

Told tell(const Story& story, const Circumstances& with) {
  World world(history_of(story.beginning),
              {.retention = story.retention, .controllers = with.controllers, .dying = story.dying},
              with.faults);
  Told told;
  try {
    if (story.beginning == Beginning::settled) {
      world.until("the caches are complete", [&] { return world.is_ready(); });
      world.pass(settling);
    }
    if (with.seed)
      world.arm_with_jitter(*with.seed);
    else
      world.arm();
    story.tell(world);
    world.pass(rest + story.dying);
  } catch (const base::Error& error) {
    told.wrongs.emplace_back(error.what());
  }
  if (world.is_storm()) told.wrongs.emplace_back("a controller calls without end");
  for (const auto& one : world.rules().breaches()) told.wrongs.push_back(one);
  for (const auto& one : world.rules().orphans()) told.wrongs.push_back(one);
  told.ending = ending_of(world.ledger());
  told.events = events_of(world.ledger());
  told.from = world.parted_at();
  told.to = world.plan().counts();
  told.trace = world.plan().trace();
  return told;
}

std::vector<Fault> all_faults(const Told& undisturbed) {
  std::vector<Fault> all;
  for (Place place : {Place::write, Place::call, Place::event}) {
    const auto of = static_cast<std::size_t>(place);
    for (Mishap mishap : mishaps_at(place))
      for (std::size_t at = undisturbed.from[of] + 1; at <= undisturbed.to[of]; ++at)
        all.push_back({mishap, at});
  }
  return all;
}

std::string judge(const Told& undisturbed, const Told& told) {
  std::string text;
  for (const auto& wrong : told.wrongs) text += cat("  ", wrong, "\n");
  text += differences(undisturbed.ending, told.ending);
  for (const auto& [what, times] : told.events) {
    const auto known = undisturbed.events.find(what);
    if (known == undisturbed.events.end() || times > known->second)
      text += cat("  was told ", times, " times: ", what, "\n");
  }
  return text;
}

}  // namespace faults
