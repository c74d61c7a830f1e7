#!/bin/bash
# Fails when a source of the repository is not as clang-format would write it, and when there is none to look at.
#
# usage: check_format.sh REPOSITORY
set -o errexit -o nounset -o pipefail

cd "$1"
# Root may look at another user's clone, which git would refuse; the files are only listed.
sources=$(git -c safe.directory='*' ls-files '*.cc' '*.h')
if [[ -z $sources ]]; then
  echo "git lists no source in $1; run this in a clone of the repository" >&2
  exit 1
fi
xargs --delimiter='\n' clang-format --dry-run -Werror <<< "$sources"
