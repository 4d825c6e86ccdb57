//! Memory that a call allocates, counted for each thread: import does not start any.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

thread_local! {
    /// Bytes held now, and the most so far; what another thread has freed may make it negative.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    let (now, peak) = HELD.get();
    HELD.set((now + bytes, peak.max(now + bytes)));
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// The one way to see allocations. Growing counts as a new allocation beside the old one, as the default does it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(p, layout) }
    }
}

/// The result, and the most bytes that were held at once meanwhile.
pub(super) fn peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let (before, _) = HELD.get();
    HELD.set((before, before));
    let result = f();
    (result, (HELD.get().1 - before) as usize)
}

#[test]
fn counts_the_peak() {
    let (_, bytes) = peak(|| drop((vec![1u8; 1000], vec![2u8; 1_000_000])));
    assert!((1_001_000..1_002_000).contains(&bytes), "{bytes}");
    let (_, bytes) = peak(|| drop(vec![0u8; 10]));
    assert!((10..1000).contains(&bytes), "{bytes}");
}
