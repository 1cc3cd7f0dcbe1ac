//! Packets that the guard must refuse, and ones it must not.

use proptest::prelude::*;

use super::*;

const TAG: u32 = 77;
const INITIAL_TSN: u32 = 1_000;

fn chunk(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3];
    bytes.extend((4 + value.len() as u16).to_be_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn packet(chunks: &[Vec<u8>]) -> Vec<u8> {
    [vec![0; 12], chunks.concat()].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn init(tag: u32, tsn: u32) -> Vec<u8> {
    chunk(INIT, &words(&[tag, 65_536, 0x0400_0400, tsn]))
}

fn data(tsn: u32, stream: u16, len: usize) -> Vec<u8> {
    let mut value = words(&[tsn, u32::from(stream) << 16, 53]);
    value.resize(12 + len, 9);
    chunk(DATA, &value)
}

fn sack(cumulative: u32, window: u32) -> Vec<u8> {
    packet(&[chunk(SACK, &words(&[cumulative, window, 0]))])
}

fn reset(number: u32, last_tsn: u32) -> Vec<u8> {
    let request = [vec![0, 13, 0, 18], words(&[number, 0, last_tsn]), vec![0, 1]].concat();
    packet(&[chunk(RECONFIG, &request)])
}

fn established() -> SctpGuard {
    let mut guard = SctpGuard::default();
    assert_eq!(check(&mut guard, &packet(&[init(TAG, INITIAL_TSN)])), Ok(()));
    guard.note_established();
    guard
}

fn check(guard: &mut SctpGuard, packet: &[u8]) -> Result<(), DropReason> {
    guard.check(packet, |stream| stream == 0, 15)
}

#[test]
fn lengths_beyond_their_container_are_refused() {
    let refused = Err(DropReason::SctpRefused);
    let mut guard = established();
    assert_eq!(check(&mut guard, &[]), refused);
    assert_eq!(check(&mut guard, &[0; 12]), refused);
    assert_eq!(check(&mut guard, &packet(&[vec![ABORT, 0, 0, 3]])), refused);
    assert_eq!(check(&mut guard, &packet(&[vec![ABORT, 0, 0, 9]])), refused);
    // A cause of 200 bytes in a chunk of 8; one shorter than its own header; two that only the library would misread.
    assert_eq!(check(&mut guard, &packet(&[chunk(ABORT, &[0, 12, 0, 200])])), refused);
    assert_eq!(check(&mut guard, &packet(&[chunk(ABORT, &[0, 12, 0, 1])])), refused);
    assert_eq!(check(&mut guard, &packet(&[chunk(ABORT, &[0, 12, 0, 5, 1, 0, 0, 0, 0, 12, 0, 4])])), refused);
    assert_eq!(check(&mut guard, &packet(&[chunk(ABORT, &[0, 12, 0, 6, 1, 2])])), Ok(()));
    assert_eq!(check(&mut guard, &packet(&[chunk(ABORT, &[])])), Ok(()));
    assert_eq!(check(&mut guard, &packet(&[chunk(ERROR, &[0, 6, 0, 4])])), refused);
    assert_eq!(check(&mut guard, &packet(&[data(INITIAL_TSN, 0, 0)])), refused);
}

#[test]
fn tsns_are_bounded_not_refused() {
    let mut guard = established();
    let forward = |tsn| packet(&[chunk(FORWARD_TSN, &words(&[tsn]))]);
    let last = INITIAL_TSN - 1;
    assert_eq!(check(&mut guard, &forward(last + MAX_TSN_AHEAD)), Ok(()));
    assert_eq!(check(&mut guard, &forward(last + MAX_TSN_AHEAD + 1)), Err(DropReason::SctpRefused));
    assert_eq!(check(&mut guard, &forward(last.wrapping_sub(5))), Ok(()), "an old one is harmless");
    assert_eq!(check(&mut guard, &packet(&[data(last + MAX_TSN_AHEAD, 0, 9)])), Ok(()));
    assert_eq!(check(&mut guard, &packet(&[data(last + MAX_TSN_AHEAD + 1, 0, 9)])), Err(DropReason::SctpRefused));
    guard.note_outbound(&sack(last + 100, 5));
    assert_eq!(check(&mut guard, &forward(last + MAX_TSN_AHEAD + 100)), Ok(()));
    assert_eq!(check(&mut SctpGuard::default(), &forward(1)), Err(DropReason::SctpRefused), "before INIT");
}

#[test]
fn an_init_may_be_repeated_but_not_changed() {
    let refused = Err(DropReason::SctpRefused);
    let mut guard = SctpGuard::default();
    for _ in 0..3 {
        assert_eq!(check(&mut guard, &packet(&[init(TAG, INITIAL_TSN)])), Ok(()));
    }
    assert_eq!(check(&mut guard, &packet(&[init(TAG, INITIAL_TSN + 1)])), refused);
    assert_eq!(check(&mut guard, &packet(&[init(TAG + 1, INITIAL_TSN)])), refused);
    assert_eq!(check(&mut guard, &packet(&[init(TAG, INITIAL_TSN), data(INITIAL_TSN, 0, 4)])), refused);
    for _ in 0..MAX_INITS {
        let _ = check(&mut guard, &packet(&[init(TAG, INITIAL_TSN)]));
    }
    assert_eq!(check(&mut guard, &packet(&[init(TAG, INITIAL_TSN)])), refused);
    assert_eq!(check(&mut established(), &packet(&[init(TAG, INITIAL_TSN)])), refused);
}

#[test]
fn streams_are_bounded() {
    let many: Vec<Vec<u8>> = (0..20).map(|at| data(INITIAL_TSN + at, at as u16, 4)).collect();
    assert_eq!(check(&mut established(), &packet(&many)), Err(DropReason::LimitReached));
    assert_eq!(check(&mut established(), &packet(&many[..16])), Ok(()));
}

#[test]
fn what_is_not_read_is_bounded() {
    let mut guard = established();
    let mut passed = 0;
    let mut tsn = INITIAL_TSN;
    while check(&mut guard, &packet(&[data(tsn, 0, 1)])).is_ok() {
        passed += 1;
        tsn += 1;
    }
    assert_eq!(passed, MAX_UNREAD_CHUNKS);
    guard.note_read(10, 10);
    assert_eq!(check(&mut guard, &packet(&[data(tsn, 0, 1)])), Ok(()));
    // A SACK with the whole window says that nothing is left.
    guard.note_outbound(&sack(tsn, RECEIVE_WINDOW));
    assert_eq!(guard.unread_chunks, 0);
    let mut bytes = 0;
    while check(&mut guard, &packet(&[data(tsn + 1, 0, 60_000)])).is_ok() {
        bytes += 60_000;
    }
    assert!(bytes <= MAX_UNREAD_BYTES && bytes > RECEIVE_WINDOW as usize);
}

#[test]
fn resets_are_bounded() {
    let mut guard = established();
    for number in 0..MAX_PENDING_RESETS as u32 {
        assert_eq!(check(&mut guard, &reset(number, INITIAL_TSN + 50)), Ok(()));
        assert_eq!(check(&mut guard, &reset(number, INITIAL_TSN + 50)), Ok(()), "a repetition");
    }
    assert_eq!(check(&mut guard, &reset(999, INITIAL_TSN + 50)), Err(DropReason::LimitReached));
    guard.note_outbound(&sack(INITIAL_TSN + 50, 5));
    let mut done = MAX_PENDING_RESETS;
    while check(&mut guard, &reset(1_000 + done as u32, INITIAL_TSN)).is_ok() {
        done += 1;
    }
    assert_eq!(done, MAX_RESETS);
    assert_eq!(
        check(&mut guard, &packet(&[chunk(RECONFIG, &[0, 13, 0, 8, 1, 1, 1, 1])])),
        Err(DropReason::SctpRefused)
    );
}

#[test]
fn gap_blocks_that_overlap_are_refused() {
    let with_gaps = |gaps: &[[u16; 2]]| {
        let mut value = words(&[5, 5, (gaps.len() as u32) << 16]);
        value.extend(gaps.iter().flatten().flat_map(|edge| edge.to_be_bytes()));
        packet(&[chunk(SACK, &value)])
    };
    assert_eq!(check(&mut established(), &with_gaps(&[[2, 3], [9, 900]])), Ok(()));
    assert_eq!(check(&mut established(), &with_gaps(&[[1, 60_000]; 2])), Err(DropReason::SctpRefused));
    let short = packet(&[chunk(SACK, &words(&[5, 5, 3 << 16]))]);
    assert_eq!(check(&mut established(), &short), Err(DropReason::SctpRefused));
}

proptest! {
    #[test]
    fn no_bytes_can_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(&mut established(), &bytes);
        established().note_outbound(&bytes);
    }

    #[test]
    fn no_chunk_can_stop_it(chunks in proptest::collection::vec((any::<u8>(), any::<u16>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8)) {
        let mut bytes = vec![0; 12];
        for (kind, len, value) in chunks {
            bytes.extend([[0, 1, 3, 4, 6, 9, 130, 192][usize::from(kind % 8)], 0]);
            let len = if len % 3 == 0 { len } else { 4 + value.len() as u16 };
            bytes.extend(len.to_be_bytes());
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        let _ = check(&mut established(), &bytes);
    }
}
