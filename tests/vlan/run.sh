#!/bin/sh
# run.sh RESULTS BUILD TIER [OPTION…]: in a virtual machine (lab/vm.py), the tests that need a kernel with VLANs. Tier vlan: what BUILD/tests/bin/vlan_*
# does with the real kernel, and the Python tests of this folder but those marked "swarm", which are the tier swarm. Options are
# pytest's. Results: RESULTS/TIER-*.xml. Exit status as pytest's: 0 all well, 1 a test failed, anything else: the run itself broke.
set -u
results=$1 build=$2 tier=$3
shift 3
worst=0 marked=swarm
if [ "$tier" = vlan ]; then
  marked='not swarm'
  for binary in "$build"/tests/bin/vlan_*; do
    [ -x "$binary" ] || { echo "no test binary vlan_* in $build/tests/bin"; exit 2; }
    # The instances for fakes are ctest's (cmake/viaduct_test.cmake).
    "$binary" --gtest_brief=1 --gtest_filter='-*/0.*' --gtest_output="xml:$results/vlan-$(basename "$binary").xml"
    case $? in
      0) ;;
      1) worst=1 ;;
      *) exit 2 ;;
    esac
  done
fi
# The lab keeps its folders in memory: an engine's overlay mounts cannot stand on the overlay that is the root folder here.
VIADUCT_LAB_DIR=/tmp VIADUCT_BIN=$build/bin /usr/bin/python3 -m pytest -c tests/pytest.ini --rootdir tests -v --durations 15 \
  -m "$marked" --junitxml "$results/$tier-pytest.xml" "$@" tests/vlan
status=$?
[ "$status" -le "$worst" ] || worst=$status
exit "$worst"
