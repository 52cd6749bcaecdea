// The slow path of Swift's Mutex, where ThreadSanitizer sees it.
//
// Mutex takes and gives up a free lock in code that is compiled into its user, which the sanitizer
// instruments. Waiting for a held lock happens in the Swift runtime, which is not instrumented: the
// sanitizer would miss that the waiting thread comes after the one that held the lock, and report
// every contended lock as a race. This library, loaded before the runtime, waits in its place.

#include <sched.h>
#include <stdint.h>

// Synchronization._MutexHandle._lockSlow(UInt32) of Swift 6 on Linux. `state` holds the owner's
// thread ID, 0 while the lock is free; the runtime's bit for waiting threads is never set, so that
// the holder always gives up the lock in instrumented code.
#define SLOW_PATH "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"

__attribute__((swiftcall)) void wait_for_lock(
    uint32_t thread, __attribute__((swift_context)) uint32_t *state) __asm__(SLOW_PATH);

__attribute__((swiftcall)) void wait_for_lock(
    uint32_t thread, __attribute__((swift_context)) uint32_t *state) {
  uint32_t free = 0;
  while (!__atomic_compare_exchange_n(
      state, &free, thread, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
    free = 0;
    sched_yield();
  }
}
