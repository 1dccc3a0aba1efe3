# end-with-parent.sh <pid> <signal>: ends a process when whoever started this one is gone.
# Standard input ends when that process dies in any way, SIGKILL included. The other is asked to end and,
# after five seconds, made to, with its group. A zombie that nobody collects counts as gone.
while read -r line; do :; done
kill -s "$2" "$1" 2>/dev/null
n=0
while kill -0 "$1" 2>/dev/null && [ "$n" -lt 50 ]; do
  stat=
  { read -r stat < "/proc/$1/stat"; } 2>/dev/null
  case "$stat" in *') Z '*) break ;; esac
  # Without `sleep` there is no waiting, and killing at once would cost a database its orderly end.
  sleep 0.1 || exit
  n=$((n + 1))
done
kill -s KILL "-$1" 2>/dev/null
kill -s KILL "$1" 2>/dev/null
