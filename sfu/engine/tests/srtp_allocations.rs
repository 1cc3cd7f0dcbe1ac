//! Sealing and opening a packet allocates nothing, in any profile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sfu_engine::api::DtlsRole;
use sfu_engine::transport::{IndexEstimator, SrtpKeys, SrtpProfile};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // The thread's counter may be gone while the thread ends.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_packet_is_sealed_and_opened_in_place() {
    for profile in [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm, SrtpProfile::Aes128CmHmacSha1_80] {
        let material = vec![7; profile.keying_material_len()];
        let sender = SrtpKeys::new(profile, &material, DtlsRole::Client).unwrap();
        let receiver = SrtpKeys::new(profile, &material, DtlsRole::Server).unwrap();
        let mut stream = IndexEstimator::default();
        let mut packet = vec![0x80; 1_200];
        let before = ALLOCATIONS.get();
        for index in 0..1_000u64 {
            sender.seal_rtp(&mut packet, 12, 1, index).unwrap();
            let estimate = stream.estimate(index as u16);
            assert!(stream.check(estimate));
            receiver.open_rtp(&mut packet, 12, 1, estimate).unwrap();
            stream.accept(estimate);
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{profile:?}");
    }
}
