/** What every container sees as its own program of last resort. */
export const INNER_BUSYBOX = "/dev/.skerry/busybox";
/** Where every container sees {@link TERMINAL_SCRIPT}. */
export const INNER_TERMINAL = "/dev/.skerry/terminal";

/**
 * The first process of a pod's sandbox: it names the pod, brings up the loopback interface, and holds the namespaces.
 * A fixed text; what it is about comes as arguments: busybox, host name, `own` or `host` network, then the pod's settings of
 * the kernel as `path=value`.
 */
export const HOLDER_SCRIPT = `set -e
bb=$1 hostname=$2 network=$3; shift 3
if [ -n "$hostname" ]; then "$bb" hostname "$hostname"; fi
if [ "$network" = own ]; then
  "$bb" ip link set lo up
  echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
fi
for setting; do
  echo "\${setting#*=}" >"/proc/sys/\${setting%%=*}"
done
echo ready
# Ignored, the kernel reaps what is left to this process.
trap '' CHLD
exec "$bb" sleep 2147483647 </dev/null >/dev/null 2>&1
`;

/** The first process of the process namespace that a pod's containers share. Argument: busybox. */
export const PROCESS_HOLDER_SCRIPT = `echo ready
trap '' CHLD
exec "$1" sleep 2147483647 </dev/null >/dev/null 2>&1
`;

/** Says how soon the kernel may end what follows when memory is short; less soon nobody may ask for in a user namespace. Arguments: score, the command. */
export const OOM_SCRIPT = `{ echo "$1" >/proc/self/oom_score_adj; } 2>/dev/null
shift
exec "$@"
`;

/** Shows the processes of a joined namespace under /proc, then goes on. Arguments: busybox, the command. */
export const PROC_SCRIPT = `"$1" mount -t proc proc /proc || exit
shift
exec "$@"
`;

/**
 * Runs a container's command chain and notes its exit code, so that it is known also when nobody waited. With a process
 * namespace of its own the command is its first process, after whose end nothing can be started here: what follows is the
 * shell's own. (\`unshare --fork\` would not do: it takes a killed process for an error of its own.) Where the command has
 * a terminal, its exit code is in a file. Arguments: the container's folder, then the command.
 */
export const SHIM_SCRIPT = `folder=$1; shift
"$@"
status=$?
if [ -s "$folder/terminal-exit" ]; then read -r status <"$folder/terminal-exit"; fi
echo "$status" >"$folder/exit"
`;

/**
 * Becomes the command, with the environment that was handed over as \`SKERRY_n=NAME=value\`: the machine's own programs on
 * the way do not see a variable of a container, and the list of processes shows none of its secrets. The first
 * \`SKERRY_PLAIN\` ones have names that a shell can export; \`SKERRY_ALL\` is how many there are.
 */
const ENVIRONMENT = `count=$SKERRY_ALL plain=$SKERRY_PLAIN
unset SKERRY_ALL SKERRY_PLAIN LC_ALL OLDPWD SHLVL
while [ "$count" -gt 0 ]; do
  count=$((count - 1))
  eval "entry=\\$SKERRY_$count; unset SKERRY_$count"
  if [ "$count" -lt "$plain" ]; then export "$entry"; else set -- "$entry" "$@"; fi
done
unset PWD count plain entry
exec "$bb" env "$@"
`;

/**
 * Makes a container's root in a fresh mount namespace and becomes its process. Its working directory is the container's
 * folder. Arguments: busybox, a secret name for the machine's root while it is still seen, the working directory, how the
 * root is made (\`overlay\` or \`copy\`), whose processes are seen (\`own\` or \`shared\`), whether the root is \`rw\` or \`ro\`,
 * whether the command has a \`terminal\` or \`pipes\`; then the mounts, three arguments each, and \`--\`; then the command.
 * What goes wrong before the command is told on file descriptor 3, and \`ready\` at its end. A terminal's exit code goes to
 * file descriptor 5.
 *
 * Nothing is looked up below the container's root before it is the root: a link in an image must not lead out of it.
 */
export const CONTAINER_SCRIPT: string = `set -e
exec 4>&2 2>&3
bb=$1 old=$2 workdir=$3 root=$4 processes=$5 mode=$6 kind=$7; shift 7
if [ "$root" = overlay ]; then
  "$bb" mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr root
else
  "$bb" mount --bind copy root
fi
cd root
"$bb" mkdir "$old"
"$bb" pivot_root . "$old"
cd /
bb=/$old$bb
"$bb" mkdir -p /proc /dev /sys
if [ "$processes" = own ]; then
  "$bb" mount -t proc -o nosuid,nodev,noexec proc /proc
else
  "$bb" mount --rbind "/$old/proc" /proc
fi
"$bb" mount --rbind "/$old/sys" /sys
"$bb" mount -t tmpfs -o nosuid,mode=755,size=1m tmpfs /dev
"$bb" mkdir /dev/pts /dev/shm /dev/.skerry
for name in null zero full random urandom tty; do
  : >"/dev/$name"
  "$bb" mount --bind "/$old/dev/$name" "/dev/$name"
done
"$bb" mount -t devpts -o newinstance,ptmxmode=0666,mode=620,nosuid,noexec devpts /dev/pts
"$bb" mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=64m shm /dev/shm
"$bb" ln -s pts/ptmx /dev/ptmx
"$bb" ln -s /proc/self/fd /dev/fd
"$bb" ln -s /proc/self/fd/0 /dev/stdin
"$bb" ln -s /proc/self/fd/1 /dev/stdout
"$bb" ln -s /proc/self/fd/2 /dev/stderr
while [ "$1" != -- ]; do
  from=/$old$1 to=$2 access=$3; shift 3
  if [ -d "$from" ]; then
    "$bb" mkdir -p "$to"
  else
    "$bb" mkdir -p "\${to%/*}/"
    [ -e "$to" ] || : >"$to"
  fi
  "$bb" mount --rbind "$from" "$to"
  if [ "$access" = ro ]; then
    # Flags that the mount had outside may not be taken away from it.
    "$bb" mount -o remount,bind,ro "$to" 2>/dev/null ||
      "$bb" mount -o remount,bind,ro,nosuid,nodev "$to" 2>/dev/null ||
      "$bb" mount -o remount,bind,ro,nosuid,nodev,noexec "$to"
  fi
done
shift
"$bb" mkdir -p "$workdir"
"$bb" umount -l "/$old"
bb=${INNER_BUSYBOX}
"$bb" rmdir "/$old"
if [ "$mode" = ro ]; then "$bb" mount -o remount,bind,ro /; fi
cd "$workdir"
echo ready >&3
if [ "$kind" = terminal ]; then
  exec 2>&4 3>&5 4>&- 5>&-
  exec "$@"
fi
exec 2>&4 3>&- 4>&-
${ENVIRONMENT}`;

/** Runs a further command in a container. Arguments: its working directory, the command. */
export const EXEC_SCRIPT: string = `bb=${INNER_BUSYBOX}
cd "$1" || exit 126
shift
${ENVIRONMENT}`;

/**
 * What busybox' telnetd starts in a terminal: it becomes the command that was handed over as \`SKERRY_WORD_n\`, in the
 * folder \`SKERRY_FOLDER\`, and notes its exit code on file descriptor 3. telnetd has the terminal turn tabs into spaces;
 * that is undone. The byte 2 says that from here on the terminal is the command's (terminal-bytes.ts).
 */
export const TERMINAL_SCRIPT: string = `#!${INNER_BUSYBOX} sh
bb=${INNER_BUSYBOX}
"$bb" stty tab0
folder=$SKERRY_FOLDER words=$SKERRY_WORDS; unset SKERRY_FOLDER SKERRY_WORDS
while [ "$words" -gt 0 ]; do
  words=$((words - 1))
  eval "word=\\$SKERRY_WORD_$words; unset SKERRY_WORD_$words"
  set -- "$word" "$@"
done
unset words word
# What is typed to interrupt the command does not end this shell; the command has these signals as ever. When the terminal
# hangs up this shell ends, and with it what is in the foreground.
trap : INT QUIT
printf '\\002'
(
exec 3>&-
cd "$folder" || exit 126
unset folder
${ENVIRONMENT})
echo $? >&3
`;
