#include "gateway/html.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "support/seeded_random.h"

namespace gateway {
namespace {

TEST(Html, BecomesWhatAReaderSees) {
  struct Case {
    std::string html, text;
  };
  const std::vector<Case> cases{
      {"", ""},
      {"plain\n  text ", "plain text"},
      {"<p>One</p><p>Two <b>bold</b>ly</p>", "One\nTwo boldly"},
      {"a<br>b<br/>c", "a\nb\nc"},
      {"<ul><li>one<li>two</ul>end", "- one\n- two\nend"},
      {"<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a b\nc"},
      {"<head><title>T</title><style>p{}</style></head><body>B</body>", "T\nB"},
      {"a<script>if (1 < 2) document.write('</p>')</script>b", "ab"},
      {"a<SCRIPT>x</SCRIPT >b", "ab"},
      {"a<script>never closed", "a"},
      {"a<!-- <p>no</p> -->b<!doctype html>c", "abc"},
      {"a<!-- never closed", "a"},
      {"<a title=\"1 > 0\" href='x>y'>link</a>", "link"},
      {"Fish &amp; chips &lt;b&gt; &#65;&#x263a; &nbsp;&euro;", "Fish & chips <b> A☺ €"},
      {"a &unknown; b & c &#xD800;", "a &unknown; b & c \xef\xbf\xbd"},
      {"1 < 2 <3 a<", "1 < 2 <3 a<"},
      {"<p", ""},
  };
  for (const auto& one : cases) EXPECT_EQ(html_to_text(one.html), one.text) << one.html;
}

TEST(Html, TakesAnyBytes) {
  test::SeededRandom random(3);
  const std::string alphabet = "<>/!-&#;x\"' \nabscriptli\xff";
  for (int round = 0; round < 3000; ++round) {
    std::string html;
    for (std::uint64_t left = base::random_below(random, 60); left > 0; --left)
      html += alphabet[base::random_below(random, alphabet.size())];
    EXPECT_LE(html_to_text(html).size(), html.size() * 2) << html;
  }
}

}  // namespace
}  // namespace gateway
