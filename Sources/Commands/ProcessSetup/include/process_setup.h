// What changes the whole process: for commands, whose process it is. No library calls any of it.
#pragma once

// From here on, touching a mapped file that was cut short, or whose disk fails, ends the process with `code` and
// one line that names the file, after `name` of the command.
void cka_guard_mapped_files(const char *_Nonnull name, int code);

// Lets allocations of up to 32 MiB take memory that was freed, of which up to 256 MiB are kept.
void cka_keep_freed_memory(void);

// Gives memory of a MiB and more back to the system as it is freed.
void cka_return_freed_memory(void);
