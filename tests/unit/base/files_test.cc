#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace viaduct {
namespace {

using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  Files() {
    std::string pattern = (std::filesystem::temp_directory_path() / "viaduct-files-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& content) {
    const std::string path = folder_ + "/file";
    std::ofstream(path) << content;
    return path;
  }
  std::string folder_;
};

TEST_F(Files, Read_GivesTheWholeContent) {
  const std::string content(10000, 'x');
  EXPECT_EQ(read_file(file(content)).value(), content);
  EXPECT_EQ(read_file(file("")).value(), "");
}

TEST_F(Files, ReadBeyondTheLimit_IsRefused) {
  EXPECT_TRUE(read_file(file("12345"), 5).ok());
  EXPECT_EQ(read_file(file("123456"), 5).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Files, Missing_IsNotFoundNamingThePath) {
  const auto missing = read_file(folder_ + "/none");
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr(folder_ + "/none"));
  EXPECT_EQ(write_file(folder_ + "/none", "x").error().code, ErrorCode::kNotFound);
}

TEST_F(Files, Write_OverwritesAnExistingFile) {
  const std::string path = file("0\n");
  EXPECT_TRUE(write_file(path, "1\n").ok());
  EXPECT_EQ(read_file(path).value(), "1\n");
}

TEST(BootId, IsTheKernelsWithoutNewline) {
  const std::string id = boot_id().value();
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(id, boot_id().value());
}

}  // namespace
}  // namespace viaduct
