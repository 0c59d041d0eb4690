#!/usr/bin/env bash
# Make a folder all that a branch of a remote holds: one commit, without history; nothing to do if it already is.
#   push_folder.sh FOLDER BRANCH REMOTE MESSAGE
set -euo pipefail
folder=$1 branch=$2 remote=$3 message=$4

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
export GIT_DIR=$temporary/git GIT_WORK_TREE=$folder
git init --quiet --initial-branch="$branch"
git add --all --force
git -c user.name="github-actions[bot]" -c user.email="41898282+github-actions[bot]@users.noreply.github.com" \
  commit --quiet --message "$message"

if git fetch --quiet --depth 1 "$remote" "$branch" 2>/dev/null \
  && [ "$(git rev-parse 'FETCH_HEAD^{tree}')" = "$(git rev-parse 'HEAD^{tree}')" ]; then
  echo "$branch holds these files already"
else
  git push --quiet --force "$remote" "HEAD:refs/heads/$branch"
  echo "$branch holds $(git ls-files | wc -l) files now"
fi
