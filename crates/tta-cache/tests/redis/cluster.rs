//! What a cluster's nodes say of each other, and who is asked when.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tta_cache::{RedisState, RedisTier};
use tta_core::WorkflowContext;
use tta_testkit::resp::{Command, Reply, RespServer};

use crate::support::{
    Calls, PATIENCE, cached, is_probe, nothing_kept, patient, timed, until, wait_for,
};

#[tokio::test]
async fn a_map_that_serves_is_asked_for_once() {
    let [first, second] = [Node::start(), Node::start()];
    first.names(&[&first, &second]);
    let tier = tier_of(&first);
    ask_often(&tier).await;
    assert!(first.was_asked("GETRANGE") && second.was_asked("GETRANGE"));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(first.maps() + second.maps(), 1);
}

#[tokio::test]
async fn the_map_is_drawn_anew_when_a_node_says_that_a_slot_has_moved() {
    let [first, second] = [Node::start(), Node::start()];
    first.names(&[&first]);
    let tier = tier_of(&first);
    ask_often(&tier).await;
    assert_eq!((first.maps(), second.was_asked("GETRANGE")), (1, false));
    first.names(&[&second]);
    let address = second.server.address();
    first.answers(Reply::error(&format!("MOVED 7 {address}")));
    ask_often(&tier).await;
    assert!(second.was_asked("GETRANGE"), "who is named is asked");
    wait_for(|| first.maps() + second.maps() > 1).await;
}

#[tokio::test]
async fn a_key_that_is_being_moved_is_asked_for_where_it_goes_and_the_map_stays() {
    let [first, second] = [Node::start(), Node::start()];
    first.names(&[&first]);
    let tier = tier_of(&first);
    let address = second.server.address();
    first.answers(Reply::error(&format!("ASK 7 {address}")));
    ask_often(&tier).await;
    let commands = second.server.commands();
    let names: Vec<_> = commands
        .iter()
        .filter(|command| !is_probe(command))
        .map(Command::name)
        .collect();
    assert!(
        names.contains(&"GETRANGE") && names.contains(&"SET"),
        "{names:?}"
    );
    for two in names.chunks(2) {
        assert!(two.len() == 2 && two[0] == "ASKING", "{two:?}");
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(first.maps(), 1);
}

#[tokio::test]
async fn what_a_node_says_of_a_key_that_is_being_moved_is_believed() {
    let [first, second] = [Node::start(), Node::start()];
    first.names(&[&first]);
    let (tier, calls) = (tier_of(&first), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "q").await;
    let address = second.server.address();
    first.answers(Reply::error(&format!("ASK 7 {address}")));
    assert!(
        flow.invalidate(&"q".to_owned(), &WorkflowContext::new())
            .await
            .unwrap()
    );
    second.answers(Reply::error(
        "OOM command not allowed when used memory > 'maxmemory'.",
    ));
    assert!(
        flow.invalidate(&"q".to_owned(), &WorkflowContext::new())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn the_map_is_drawn_anew_when_the_cluster_is_down() {
    let first = Node::start();
    first.names(&[&first]);
    let tier = tier_of(&first);
    ask_often(&tier).await;
    // A single answer of this kind is not enough for the node to be given up.
    first.answers_once(Reply::error("CLUSTERDOWN The cluster is down"));
    ask_often(&tier).await;
    assert_ne!(tier.state(), RedisState::Down);
    wait_for(|| first.maps() > 1).await;
}

#[tokio::test]
async fn the_map_is_drawn_anew_while_the_only_master_is_down() {
    let [seed, master] = [Node::start(), Node::start()];
    seed.names(&[&master]);
    let tier = tier_of(&seed);
    ask_often(&tier).await;
    take_down(&master, &tier).await;
    wait_for(|| seed.maps() > 1).await;
}

#[tokio::test]
async fn who_is_up_is_asked_for_the_map_before_who_is_down() {
    let [up, down] = [Node::start(), Node::start()];
    up.names(&[&up, &down]);
    down.names(&[&up, &down]);
    let tier = tier_of(&up);
    ask_often(&tier).await;
    take_down(&down, &tier).await;
    wait_for(|| up.maps() > 1 || down.maps() > 0).await;
    assert_eq!(down.maps(), 0);
}

#[tokio::test]
async fn the_changes_of_a_master_that_was_replaced_still_count() {
    let [first, second] = [Node::start(), Node::start()];
    first.names(&[&first, &second]);
    let tier = tier_of(&first);
    ask_often(&tier).await;
    assert_eq!(tier.changes(), 0);
    take_down(&second, &tier).await;
    wait_for(|| tier.changes() == 1).await;
    first.names(&[&first]);
    until(&tier, RedisState::Up, PATIENCE).await;
    for _ in 0..100 {
        assert_eq!(tier.changes(), 1);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn clearing_removes_the_values_of_every_master() {
    let [first, second] = [Node::start(), Node::start()];
    first.names(&[&first, &second]);
    let flow = cached(&tier_of(&first), &Calls::default());
    assert_eq!(flow.clear().await.unwrap(), 2);
    assert!(first.was_asked("UNLINK") && second.was_asked("UNLINK"));
}

fn tier_of(seed: &Node) -> RedisTier {
    patient(&format!("redis+cluster://{}", seed.server.address()))
}

/// So many questions that each of two masters is asked.
async fn ask_often(tier: &RedisTier) {
    let flow = cached(tier, &Calls::default());
    for question in 0..30 {
        timed(&flow, &question.to_string()).await;
    }
}

/// Has a master give errors until it is not asked any more.
async fn take_down(master: &Node, tier: &RedisTier) {
    master.answers(Reply::error("LOADING Redis is loading the dataset"));
    ask_often(tier).await;
    until(tier, RedisState::Down, PATIENCE).await;
}

/// A node that keeps nothing, and says what it is told to.
struct Node {
    server: RespServer,
    says: Arc<Mutex<Says>>,
}

struct Says {
    /// To `CLUSTER SLOTS`.
    map: Reply,
    /// To everything else, and whether once only.
    other: Option<(Reply, bool)>,
}

impl Node {
    fn start() -> Self {
        let says = Arc::new(Mutex::new(Says {
            map: Reply::error("ERR This instance has cluster support disabled"),
            other: None,
        }));
        let heard = Arc::clone(&says);
        let server = RespServer::start(move |command| heard.lock().unwrap().to(command)).unwrap();
        Self { server, says }
    }

    /// Has it say that these are the masters, each of a part of the slots.
    fn names(&self, masters: &[&Self]) {
        let each = 16_384 / masters.len();
        let range = |(place, master): (usize, &&Self)| {
            let (first, last) = (place * each, (place + 1) * each - 1);
            let address = master.server.address();
            let (host, port) = (address.ip().to_string(), address.port());
            let length = host.len();
            format!("*3\r\n:{first}\r\n:{last}\r\n*2\r\n${length}\r\n{host}\r\n:{port}\r\n")
        };
        let ranges: String = masters.iter().enumerate().map(range).collect();
        let map = format!("*{}\r\n{ranges}", masters.len());
        self.says.lock().unwrap().map = Reply::bytes(map);
    }

    /// Has it say this to everything but to who asks for the map.
    fn answers(&self, reply: Reply) {
        self.says.lock().unwrap().other = Some((reply, false));
    }

    fn answers_once(&self, reply: Reply) {
        self.says.lock().unwrap().other = Some((reply, true));
    }

    /// How often it was asked for the map.
    fn maps(&self) -> usize {
        let commands = self.server.commands();
        let maps = commands.iter().filter(|it| it.name() == "CLUSTER");
        maps.count()
    }

    fn was_asked(&self, name: &str) -> bool {
        let commands = self.server.commands();
        commands
            .iter()
            .any(|command| command.name() == name && !is_probe(command))
    }
}

impl Says {
    fn to(&mut self, command: &Command) -> Reply {
        if command.name() == "CLUSTER" {
            return self.map.clone();
        }
        match self.other.take() {
            Some((reply, true)) if !is_probe(command) => reply,
            Some((reply, false)) => {
                self.other = Some((reply.clone(), false));
                reply
            }
            other => {
                self.other = other;
                Self::usual(command)
            }
        }
    }

    fn usual(command: &Command) -> Reply {
        match command.name() {
            "UNLINK" => Reply::bytes(":1\r\n"),
            "SCAN" => Reply::bytes(ONE_VALUE),
            _ => nothing_kept(command),
        }
    }
}

const ONE_VALUE: &str = "*2\r\n$1\r\n0\r\n*1\r\n$15\r\ntta:answers:v:1\r\n";
