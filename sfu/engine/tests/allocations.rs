//! Forwarding allocates nothing per packet: one publisher with three layers and audio, many subscriptions, statistics, cache,
//! feedback and repair, counted by the allocator itself.

#![expect(clippy::disallowed_methods, reason = "a test chooses its own origin of time")]

#[path = "support/load.rs"]
mod load;

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use load::Load;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is ours.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is ours.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is ours.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn forwarding_allocates_nothing_at_steady_state() {
    let mut load = Load::new(50, true);
    // Four seconds: caches find their size, repair tables are made, every subscription has switched layers.
    load.run(120);
    let (forwarded, repaired) = (load.forwarded, load.repaired);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    load.run(300);
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert!(load.received > 3_000, "{} packets received", load.received);
    assert!(load.forwarded - forwarded > 40_000, "{} packets", load.forwarded - forwarded);
    assert!(load.repaired - repaired > 100, "{} repairs", load.repaired - repaired);
    assert_eq!(allocations, 0, "while forwarding {} packets", load.forwarded - forwarded);
}
