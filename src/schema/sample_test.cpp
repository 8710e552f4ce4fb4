#include "schema/sample_test.h"

// clang-format off: a field is a line

namespace schema::sample {

constexpr Struct Part::table{"Part", &room<Part>, {
    {"name", &Part::name, required | honoured, "Name."},
    {"zone", &Part::zone, honoured, "Zone."},
    {"count", &Part::count, by_default(1) | at_least(1) | at_most(9) | honoured, "Pieces. Default 1."},
}};

constexpr Struct Options::table{"Options", &room<Options>, {
    {"enabled", &Options::enabled, by_default(false) | refused, "Whether."},
    {"hint", &Options::hint, refused, "How."},
}};

constexpr Struct Spec::table{"Spec", &room<Spec>, {
    {"title", &Spec::title, required | min_length(2) | max_length(8) | honoured, "Title."},
    {"size", &Spec::size, by_default(10) | honoured, "Metres. Default 10."},
    {"shiny", &Spec::shiny, by_default(true) | honoured, "Whether it shines. Default true."},
    {"ratio", &Spec::ratio, honoured, "Ratio."},
    {"since", &Spec::since, honoured, "Since when."},
    {"beat", &Spec::beat, honoured, "Beat."},
    {"weight", &Spec::weight, honoured, "Weight."},
    {"port", &Spec::port, honoured, "Port."},
    {"anything", &Spec::anything, honoured, "Anything."},
    {"shape", &Spec::shape, honoured, "Any object."},
    {"colour", &Spec::colour, honoured, "Colour."},
    {"mode", &Spec::mode, by_default("once") | honoured, "Mode. Default once."},
    {"parts", &Spec::parts, keyed_by("name", "zone") | max_length(4) | honoured, "Parts."},
    {"tags", &Spec::tags, unique | formatted(Format::dns_label) | honoured, "Tags."},
    {"labels", &Spec::labels, honoured, "Labels."},
    {"places", &Spec::places, honoured, "Places."},
    {"maybe", &Spec::maybe, honoured, "Perhaps."},
    {"main", &Spec::main, immutable_once("old.hint") | honoured, "Main part."},
    {"timeout", &Spec::timeout, formatted(Format::go_duration) | honoured, "Go duration."},
    {"old", &Spec::old, refused, "Old options."},
    {"gone", &Spec::gone, refused, "Gone."},
    {"ignored", &Spec::ignored, inert, "Ignored."},
}};

constexpr Struct Thing::table{"Thing", &room<Thing>, {
    {"spec", &Thing::spec, required | honoured, "Spec."},
}, &Thing::info};

constexpr KindInfo Thing::info{
    .group = "example.org", .version = "v1",
    .kind = "Thing", .plural = "things", .singular = "thing",
    .status = StatusSubresource::yes,
    .short_names = {"th"},
    .columns = {{"Size", "integer", ".spec.size", "Metres", 1}},
    .table = &Thing::table,
    .doc = "A thing.",
};

}  // namespace schema::sample
