#include "journal/merkle.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "io/crypto.h"

namespace journal {
namespace {

std::vector<std::string> make_leaves(std::size_t count) {
  std::vector<std::string> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(leaf_hash(std::to_string(i)));
  return leaves;
}

// The inputs and roots of Certificate Transparency's own tests.
TEST(Merkle, MakesTheRootsThatAreKnown) {
  const std::vector<std::string> inputs{"",
                                        "00",
                                        "10",
                                        "2021",
                                        "3031",
                                        "40414243",
                                        "5051525354555657",
                                        "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots{
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  std::vector<std::string> leaves;
  EXPECT_EQ(base::hex(merkle_root(leaves)), roots[0]);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    leaves.push_back(leaf_hash(*base::parse_hex(inputs[i])));
    EXPECT_EQ(base::hex(merkle_root(leaves)), roots[i + 1]) << i;
  }
}

TEST(Merkle, ProvesEachLeafAndNothingElse) {
  for (std::size_t size = 1; size <= 17; ++size) {
    const auto leaves = make_leaves(size);
    const std::string root = merkle_root(leaves);
    for (std::size_t index = 0; index < size; ++index) {
      const auto path = inclusion_path(leaves, index);
      EXPECT_EQ(root_of_path(leaves[index], index, size, path), root);
      for (std::size_t other = 0; other < size + 2; ++other)
        if (other != index) {
          EXPECT_NE(root_of_path(leaves[index], other, size, path), root) << size << index << other;
        }
      auto longer = path, shorter = path;
      longer.push_back(leaves[0]);
      EXPECT_NE(root_of_path(leaves[index], index, size, longer), root);
      if (!path.empty()) {
        shorter.pop_back();
        EXPECT_NE(root_of_path(leaves[index], index, size, shorter), root);
      }
      for (std::size_t at = 0; at < path.size(); ++at) {
        auto changed = path;
        changed[at][0] = static_cast<char>(changed[at][0] ^ 1);
        EXPECT_NE(root_of_path(leaves[index], index, size, changed), root);
      }
    }
  }
}

}  // namespace
}  // namespace journal
