//! Writing: each function appends one whole RTCP packet to a buffer that the caller reuses.
//!
//! A datagram to a peer that has not agreed to reduced-size RTCP begins with a report and a source description
//! (RFC 3550 §6.1); the caller orders them.

use super::FORMAT_APPLICATION;
use super::FORMAT_FIR;
use super::FORMAT_NACK;
use super::FORMAT_PLI;
use super::GOODBYE;
use super::MAX_REPORT_BLOCKS;
use super::PAYLOAD_FEEDBACK;
use super::RECEIVER_REPORT;
use super::ReportBlock;
use super::SENDER_REPORT;
use super::SOURCE_DESCRIPTION;
use super::SenderInfo;
use super::TRANSPORT_FEEDBACK;

/// Longest canonical name (its length has eight bits).
const MAX_CNAME: usize = 255;
/// SSRCs in one REMB or BYE.
const MAX_SSRCS: usize = 31;

/// Appends a header and what `body` writes, pads to 32 bits with zeros, and puts the length in.
pub(in crate::rtp) fn packet(out: &mut Vec<u8>, packet_type: u8, count: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count & 0x1f, packet_type, 0, 0]);
    body(out);
    out.resize(start + (out.len() - start).next_multiple_of(4), 0);
    let words = (out.len() - start) / 4 - 1;
    if let Some([_, _, high, low, ..]) = out.get_mut(start..) {
        [*high, *low] = (words as u16).to_be_bytes();
    }
}

fn feedback(
    out: &mut Vec<u8>,
    packet_type: u8,
    format: u8,
    sender_ssrc: u32,
    media_ssrc: u32,
    control: impl FnOnce(&mut Vec<u8>),
) {
    packet(out, packet_type, format, |out| {
        out.extend_from_slice(&sender_ssrc.to_be_bytes());
        out.extend_from_slice(&media_ssrc.to_be_bytes());
        control(out);
    });
}

/// Sender report with up to [`MAX_REPORT_BLOCKS`] blocks; more are left out.
pub fn sender_report(out: &mut Vec<u8>, info: &SenderInfo, blocks: &[ReportBlock]) {
    let blocks = blocks.get(..MAX_REPORT_BLOCKS).unwrap_or(blocks);
    packet(out, SENDER_REPORT, blocks.len() as u8, |out| {
        out.extend_from_slice(&info.ssrc.to_be_bytes());
        out.extend_from_slice(&info.ntp.to_be_bytes());
        for word in [info.rtp, info.packets, info.octets] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        report_blocks(out, blocks);
    });
}

/// Receiver report with up to [`MAX_REPORT_BLOCKS`] blocks; more are left out.
pub fn receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[ReportBlock]) {
    let blocks = blocks.get(..MAX_REPORT_BLOCKS).unwrap_or(blocks);
    packet(out, RECEIVER_REPORT, blocks.len() as u8, |out| {
        out.extend_from_slice(&ssrc.to_be_bytes());
        report_blocks(out, blocks);
    });
}

fn report_blocks(out: &mut Vec<u8>, blocks: &[ReportBlock]) {
    for block in blocks {
        let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        for word in [
            block.ssrc,
            u32::from(block.fraction_lost) << 24 | lost,
            block.highest_sequence,
            block.jitter,
            block.last_sender_report,
            block.delay_since_last_sender_report,
        ] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

/// Source description with one canonical name, cut at 255 bytes (RFC 3550 §6.5.1).
pub fn source_description(out: &mut Vec<u8>, ssrc: u32, cname: &[u8]) {
    let cname = cname.get(..MAX_CNAME).unwrap_or(cname);
    packet(out, SOURCE_DESCRIPTION, 1, |out| {
        out.extend_from_slice(&ssrc.to_be_bytes());
        out.extend_from_slice(&[1, cname.len() as u8]);
        out.extend_from_slice(cname);
        // The list of items ends with at least one zero; padding to 32 bits adds the rest.
        out.push(0);
    });
}

/// Generic NACK of `sequences` (RFC 4585 §6.2.1). They should be in ascending order to be packed well; nothing is written
/// for none.
pub fn nack(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32, sequences: impl IntoIterator<Item = u16>) {
    let mut sequences = sequences.into_iter();
    let Some(mut base) = sequences.next() else { return };
    feedback(out, TRANSPORT_FEEDBACK, FORMAT_NACK, sender_ssrc, media_ssrc, |out| {
        let mut following = 0_u16;
        for sequence in sequences {
            match sequence.wrapping_sub(base) {
                0 => {}
                step @ 1..=16 => following |= 1 << (step - 1),
                _ => {
                    pair(out, base, following);
                    (base, following) = (sequence, 0);
                }
            }
        }
        pair(out, base, following);
    });
}

fn pair(out: &mut Vec<u8>, base: u16, following: u16) {
    out.extend_from_slice(&base.to_be_bytes());
    out.extend_from_slice(&following.to_be_bytes());
}

/// Picture loss indication (RFC 4585 §6.3.1).
pub fn picture_loss(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32) {
    feedback(out, PAYLOAD_FEEDBACK, FORMAT_PLI, sender_ssrc, media_ssrc, |_| {});
}

/// Full intra request (RFC 5104 §4.3.1); `command` differs from the last one for a new request.
pub fn full_intra(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32, command: u8) {
    feedback(out, PAYLOAD_FEEDBACK, FORMAT_FIR, sender_ssrc, 0, |out| {
        out.extend_from_slice(&media_ssrc.to_be_bytes());
        out.extend_from_slice(&[command, 0, 0, 0]);
    });
}

/// Receiver estimated maximum bitrate over up to 31 SSRCs.
pub fn remb(out: &mut Vec<u8>, sender_ssrc: u32, bitrate_bps: u64, ssrcs: &[u32]) {
    let ssrcs = ssrcs.get(..MAX_SSRCS).unwrap_or(ssrcs);
    feedback(out, PAYLOAD_FEEDBACK, FORMAT_APPLICATION, sender_ssrc, 0, |out| {
        let exponent = (64 - bitrate_bps.leading_zeros()).saturating_sub(18);
        let mantissa = (bitrate_bps >> exponent) as u32;
        let [_, high, middle, low] = mantissa.to_be_bytes();
        out.extend_from_slice(b"REMB");
        out.extend_from_slice(&[ssrcs.len() as u8, (exponent as u8) << 2 | high, middle, low]);
        ssrcs.iter().for_each(|ssrc| out.extend_from_slice(&ssrc.to_be_bytes()));
    });
}

/// Goodbye for up to 31 SSRCs (RFC 3550 §6.6).
pub fn goodbye(out: &mut Vec<u8>, ssrcs: &[u32]) {
    let ssrcs = ssrcs.get(..MAX_SSRCS).unwrap_or(ssrcs);
    packet(out, GOODBYE, ssrcs.len() as u8, |out| {
        ssrcs.iter().for_each(|ssrc| out.extend_from_slice(&ssrc.to_be_bytes()));
    });
}
