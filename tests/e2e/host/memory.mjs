// Looks through the memory of a process that lets itself be read (SESAME_KEEP_DUMPABLE).
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

// Every byte of the process that can be read; pages of memfd_secret cannot, not even by root.
function* memory(pid) {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const found = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (!found || found[3] === '[vvar]' || found[3] === '[vsyscall]') continue;
    const from = Number(`0x${found[1]}`), size = Number(`0x${found[2]}`) - from;
    const bytes = Buffer.alloc(size);
    try {
      if (readSync(fd, bytes, 0, size, from) > 0) yield { name: found[3], bytes };
    } catch {
      // not readable: that is the arena
    }
  }
  closeSync(fd);
}

// Where in the process `text` lies, by the names of its mappings.
export function occurrences(pid, text) {
  const where = [];
  for (const { name, bytes } of memory(pid)) if (bytes.includes(text)) where.push(name || 'anonymous');
  return where;
}
