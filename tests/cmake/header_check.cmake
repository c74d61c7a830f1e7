# One translation unit for each header of src, which includes it alone and twice: it compiles when the header includes
# what it uses and is guarded. Built by the test lint.headers, not by default.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/src/*.h)
set(units)
foreach(header IN LISTS headers)
  string(REPLACE "/" "_" unit ${header})
  set(unit ${CMAKE_CURRENT_BINARY_DIR}/header_check/${unit}.cc)
  file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"@header@\"\n#include \"@header@\"\n" @ONLY)
  list(APPEND units ${unit})
endforeach()
add_library(header_check OBJECT EXCLUDE_FROM_ALL ${units})
# Each header for itself, also where other sources are joined.
set_target_properties(header_check PROPERTIES UNITY_BUILD OFF)
target_compile_options(header_check PRIVATE -O0 -g0)
target_link_libraries(header_check PRIVATE viaduct_options fmt::fmt nlohmann_json::nlohmann_json CLI11::CLI11
  SQLite::SQLite3 Threads::Threads PkgConfig::HTTPLIB PkgConfig::LIBNL PkgConfig::NFTABLES)
