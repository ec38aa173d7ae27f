//! What openh264 wants of a C library, over Rust's allocator. `memcpy` and its kin are in compiler-builtins.
#![allow(unsafe_code, reason = "C's allocation is unsafe by nature")]

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::c_void;

/// Before each block: its size, and room that keeps the block aligned.
const HEAD: usize = 16;

/// `None` for more than an address space holds.
fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEAD)?, HEAD).ok()
}

/// # Safety
/// As in C: the block is not read before it is written.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    let Some(layout) = layout(size) else { return std::ptr::null_mut() };
    // SAFETY: the layout is never empty, and the head is inside of the block.
    unsafe {
        let block = alloc(layout);
        if block.is_null() {
            return std::ptr::null_mut();
        }
        block.cast::<usize>().write(size);
        block.add(HEAD).cast()
    }
}

/// # Safety
/// As in C: null or a block of [`malloc`] that was not freed before.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(pointer: *mut c_void) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: the block begins HEAD bytes before, with the size that it was made for.
    unsafe {
        let block = pointer.cast::<u8>().sub(HEAD);
        if let Some(layout) = layout(block.cast::<usize>().read()) {
            dealloc(block, layout);
        }
    }
}
