# Warnings and hardening for our own targets; third-party headers come in as SYSTEM and stay silent.
add_library(viaduct_options INTERFACE)
target_compile_options(viaduct_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Werror=unused-result -Werror=return-type -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # TRY() in base/result.h is a statement expression, guarded by __extension__.
  target_compile_options(viaduct_options INTERFACE -Wno-gnu-statement-expression)
endif()
if(VIADUCT_WERROR)
  target_compile_options(viaduct_options INTERFACE -Werror)
endif()
target_compile_definitions(viaduct_options INTERFACE _GLIBCXX_ASSERTIONS)
target_include_directories(viaduct_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(VIADUCT_SANITIZE)
  target_compile_options(viaduct_options INTERFACE
    -fsanitize=${VIADUCT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(viaduct_options INTERFACE -fsanitize=${VIADUCT_SANITIZE})
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# The large headers that nearly every source reads are compiled once a build. That each header of ours names what it
# needs is checked apart from it (test lint.headers).
file(WRITE ${CMAKE_BINARY_DIR}/precompiled/empty.cc "")
add_library(viaduct_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled/empty.cc)
target_link_libraries(viaduct_precompiled PRIVATE viaduct_options fmt::fmt nlohmann_json::nlohmann_json)
target_precompile_headers(viaduct_precompiled PRIVATE
  <fmt/format.h> <nlohmann/json.hpp> <functional> <map> <memory> <optional> <string> <vector>)

# A static library of one module, with the project's warnings.
function(viaduct_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC viaduct_options)
  target_precompile_headers(${name} REUSE_FROM viaduct_precompiled)
endfunction()
