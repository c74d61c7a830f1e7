include(GoogleTest)

# As viaduct_precompiled (cmake/warnings.cmake), with the test library. Position-dependent like the test binaries: both
# must be compiled alike.
add_library(viaduct_test_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled/empty.cc)
target_link_libraries(viaduct_test_precompiled PRIVATE
  viaduct_options fmt::fmt nlohmann_json::nlohmann_json GTest::gmock)
target_precompile_headers(viaduct_test_precompiled PRIVATE
  <gmock/gmock.h> <gtest/gtest.h> <fmt/format.h> <nlohmann/json.hpp> <map> <memory> <string> <vector>)
set_target_properties(viaduct_test_precompiled PROPERTIES POSITION_INDEPENDENT_CODE OFF)

# viaduct_test(NAME name LABEL unit|contract|fault|netns|vlan SOURCES a_test.cc … [LINK target …] [ENVIRONMENT VAR=value …])
# A GoogleTest binary (GMock included) whose cases are tests of ctest, one by one, under the label of their tier. Those
# of vlan need another kernel, which tools/test starts for them: of these ctest knows the instances for fakes (.../0.*) alone.
function(viaduct_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;LABEL" "SOURCES;LINK;ENVIRONMENT")
  set(timeout_unit 60)
  set(timeout_contract 120)
  set(timeout_fault 300)
  set(timeout_netns 120)
  set(timeout_vlan 120)
  if(NOT DEFINED timeout_${arg_LABEL})
    message(FATAL_ERROR "viaduct_test ${arg_NAME}: the label \"${arg_LABEL}\" is none of unit, contract, fault, netns, vlan")
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_include_directories(${arg_NAME} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${arg_NAME} PRIVATE viaduct_options fmt::fmt nlohmann_json::nlohmann_json ${arg_LINK}
    GTest::gmock GTest::gtest_main)
  set_target_properties(${arg_NAME} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_precompile_headers(${arg_NAME} REUSE_FROM viaduct_test_precompiled)
  set(properties LABELS ${arg_LABEL} TIMEOUT ${timeout_${arg_LABEL}})
  if(arg_ENVIRONMENT)
    list(APPEND properties ENVIRONMENT "${arg_ENVIRONMENT}")
  endif()
  # PRE_TEST: a build never runs a test binary, and a binary that is not built fails its tests instead of hiding them.
  set(filter)
  if(arg_LABEL STREQUAL "vlan")
    set(filter TEST_FILTER */0.*)
  endif()
  gtest_discover_tests(${arg_NAME} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 ${filter} PROPERTIES ${properties})
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    set_property(GLOBAL APPEND PROPERTY VIADUCT_TEST_SOURCES ${source})
  endforeach()
endfunction()
