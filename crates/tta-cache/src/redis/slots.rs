//! Which node of a cluster serves a key.

use redis::Value;

use super::address::Node;

/// The masters of a cluster, and the slots of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    /// First and last slot, and the master; in the order of the slots.
    ranges: Vec<(u16, u16, Node)>,
}

impl Slots {
    /// Reads the answer to `CLUSTER SLOTS` of a node at `host`.
    pub(super) fn read(answer: &Value, host: &str) -> Option<Self> {
        let Value::Array(ranges) = answer else {
            return None;
        };
        let range = |range: &Value| {
            let Value::Array(parts) = range else {
                return None;
            };
            let [
                Value::Int(first),
                Value::Int(last),
                Value::Array(master),
                ..,
            ] = parts.as_slice()
            else {
                return None;
            };
            let [name, Value::Int(port), ..] = master.as_slice() else {
                return None;
            };
            let name = match name {
                Value::BulkString(name) => String::from_utf8(name.clone()).ok()?,
                // It does not know its own name: the one it was asked by.
                Value::Nil => String::new(),
                _ => return None,
            };
            let node = Node {
                host: if name.is_empty() {
                    host.to_owned()
                } else {
                    name
                },
                port: u16::try_from(*port).ok()?,
            };
            Some((
                u16::try_from(*first).ok()?,
                u16::try_from(*last).ok()?,
                node,
            ))
        };
        let mut ranges: Vec<_> = ranges.iter().map(range).collect::<Option<_>>()?;
        ranges.sort_by_key(|(first, ..)| *first);
        (!ranges.is_empty()).then_some(Self { ranges })
    }

    /// Who serves a key, if anybody does.
    pub(super) fn master(&self, key: &str) -> Option<&Node> {
        let slot = slot(key);
        let place = self.ranges.partition_point(|(first, ..)| *first <= slot);
        let (_, last, node) = self.ranges.get(place.checked_sub(1)?)?;
        (slot <= *last).then_some(node)
    }

    /// Each master once.
    pub(super) fn masters(&self) -> Vec<Node> {
        let mut masters: Vec<Node> = Vec::new();
        for (.., node) in &self.ranges {
            if !masters.contains(node) {
                masters.push(node.clone());
            }
        }
        masters
    }
}

/// The slot of a key: of what stands between its first braces, if anything does.
fn slot(key: &str) -> u16 {
    let tagged = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty());
    crc16(tagged.unwrap_or(key).as_bytes()) % SLOTS
}

/// CRC16/XMODEM, as the specification of Redis Cluster says.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

const SLOTS: u16 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot("foo"), 12_182);
        assert_eq!(slot("{foo}.bar"), 12_182);
        assert_eq!(slot("a{foo}b{bar}"), 12_182);
        assert_eq!(slot("foo{}bar"), crc16(b"foo{}bar") % SLOTS);
    }

    #[test]
    fn each_slot_is_its_masters_and_a_gap_is_nobodys() {
        let range = |first, last, host: &str, port| {
            let node = Value::Array(vec![Value::BulkString(host.into()), Value::Int(port)]);
            Value::Array(vec![Value::Int(first), Value::Int(last), node])
        };
        let answer = Value::Array(vec![range(12_183, 16_383, "b", 2), range(0, 12_181, "", 1)]);
        let slots = Slots::read(&answer, "asked").unwrap();
        assert_eq!(slots.master("foo"), None);
        let masters: Vec<_> = slots.masters().iter().map(Node::to_string).collect();
        assert_eq!(masters, ["asked:1", "b:2"]);
        // 5061 and 15495 by `CLUSTER KEYSLOT`.
        assert_eq!(slots.master("bar").unwrap().to_string(), "asked:1");
        assert_eq!(slots.master("a").unwrap().to_string(), "b:2");
        assert_eq!(Slots::read(&Value::Nil, "x"), None);
    }
}
