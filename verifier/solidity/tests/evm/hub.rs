//! The hub: who is paid, for what, how often, and until when.

use avouch_solidity::Call;
use avouch_verifier::{EMPTY_POLICY_ID, EvmContext, context_slot};
use revm::primitives::Address;

use crate::{
    chain::{
        CHAIN_ID, Chain, NOW, OWNER, Outcome, PROVER, STRANGER, Word, address, encode, encode_with, keccak, number,
    },
    fixture::{ALL, Fixture},
};

const ROUTE: &str = "(bytes32,uint256,address,bytes32,address)";
const TASK: &str = "(address,bytes32,uint256,uint256,address,uint64,uint64,uint64,uint128,uint32,bytes32)";
pub(crate) const REWARD: u128 = 5_000_000;
pub(crate) const DEADLINE: u64 = NOW + 1_000;
const ROOT: u128 = 0x4007;
const NULLIFIER: u128 = 0x1234;

#[derive(Clone)]
pub(crate) struct Route {
    vk_digest: Word,
    circuit_id: Word,
    verifier: Address,
    code_hash: Word,
    keeper: Address,
}

impl Route {
    fn words(&self) -> [Word; 5] {
        [self.vk_digest, self.circuit_id, address(self.verifier), self.code_hash, address(self.keeper)]
    }

    fn id(&self) -> Word {
        keccak(&self.words().concat())
    }
}

#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) owner: Address,
    pub(crate) route: Word,
    pub(crate) policy_id: Word,
    pub(crate) input_commitment: Word,
    pub(crate) registry: Address,
    pub(crate) max_delay: u64,
    pub(crate) skew: u64,
    pub(crate) deadline: u64,
    pub(crate) reward: u128,
    pub(crate) claims: u32,
    pub(crate) salt: Word,
}

impl Task {
    fn words(&self) -> [Word; 11] {
        [
            address(self.owner),
            self.route,
            self.policy_id,
            self.input_commitment,
            address(self.registry),
            number(self.max_delay.into()),
            number(self.skew.into()),
            number(self.deadline.into()),
            number(self.reward),
            number(self.claims.into()),
            self.salt,
        ]
    }

    fn id(&self) -> Word {
        keccak(&self.words().concat())
    }

    fn escrow(&self) -> u128 {
        self.reward * u128::from(self.claims)
    }
}

/// A chain with a hub, and a route to a verifier.
pub(crate) struct Setting {
    pub(crate) chain: Chain,
    pub(crate) hub: Address,
    route: Route,
    /// The data policy of its tasks, and the root that their registry stands by.
    policy: Word,
    root: Word,
}

impl Setting {
    fn new(contract: &str, [vk_digest, circuit_id, policy, root]: [Word; 4]) -> Self {
        let mut chain = Chain::new();
        let hub = chain.deploy("InferenceHub", &[]);
        let verifier = chain.deploy(contract, &[]);
        let code_hash = chain.code_hash(verifier);
        let route = Route { vk_digest, circuit_id, verifier, code_hash, keeper: OWNER };
        let mut setting = Self { chain, hub, route: route.clone(), policy, root };
        setting.add(OWNER, &route).result.unwrap();
        setting
    }

    /// With a real verifier.
    pub(crate) fn of(fixture: &Fixture) -> Self {
        let key = fixture.key.key();
        let [policy, root] = fixture.policy_and_root().unwrap_or([EMPTY_POLICY_ID, [0; 32]]);
        Self::new(fixture.contract, [*key.digest(), key.description().circuit_id_slot(), policy, root])
    }

    /// With one that takes everything.
    pub(crate) fn always() -> Self {
        Self::new("Always", [0x77, 0x88, 0x99, ROOT].map(number))
    }

    fn send(&mut self, from: Address, value: u128, data: Vec<u8>) -> Outcome {
        let hub = self.hub;
        self.chain.call(from, hub, value, data)
    }

    fn add(&mut self, from: Address, route: &Route) -> Outcome {
        self.send(from, 0, encode(&format!("addRoute({ROUTE})"), &route.words()))
    }

    fn freeze(&mut self, from: Address) -> Outcome {
        let words = self.route.words();
        self.send(from, 0, encode(&format!("freezeRoute({ROUTE})"), &words))
    }

    pub(crate) fn set_root(&mut self, until: u64) {
        let words = [self.root, number(until.into())];
        self.send(OWNER, 0, encode("setRoot(uint256,uint64)", &words)).result.unwrap();
    }

    fn create_with(&mut self, task: &Task, recipients: &[Address], value: u128) -> Outcome {
        let list = recipients.iter().copied().flat_map(address).collect();
        let signature = format!("createTask({TASK},address[])");
        self.send(task.owner, value, encode_with(&signature, &task.words(), &[(recipients.len() as u128, list)]))
    }

    pub(crate) fn create(&mut self, task: &Task, recipients: &[Address]) -> Outcome {
        self.create_with(task, recipients, task.escrow())
    }

    fn close(&mut self, from: Address, task: &Task) -> Outcome {
        self.send(from, 0, encode(&format!("closeTask({TASK})"), &task.words()))
    }

    pub(crate) fn submit(&mut self, task: &Task, recipient: Address, call: &Call) -> Outcome {
        let data = self.submission(task, recipient, call);
        self.send(STRANGER, 0, data)
    }

    /// The data of a call of `submit`.
    fn submission(&self, task: &Task, recipient: Address, call: &Call) -> Vec<u8> {
        let signature = format!("submit({TASK},{ROUTE},address,uint256[8],bytes)");
        let words = [&task.words()[..], &self.route.words(), &[address(recipient)], &call.statement].concat();
        let proof = call.proof.concat();
        encode_with(&signature, &words, &[(proof.len() as u128, proof)])
    }

    /// The context digest of the library.
    pub(crate) fn context(&self, task: &Task, recipient: Address) -> Word {
        EvmContext {
            chain_id: CHAIN_ID,
            hub: self.hub.into(),
            task_id: task.id(),
            recipient: recipient.into(),
            deadline: task.deadline,
        }
        .digest()
    }

    /// A task under the empty policy: each recipient answers once.
    pub(crate) fn named(&self, claims: u32) -> Task {
        Task {
            owner: OWNER,
            route: self.route.id(),
            policy_id: EMPTY_POLICY_ID,
            input_commitment: [0; 32],
            registry: Address::ZERO,
            max_delay: 0,
            skew: 0,
            deadline: DEADLINE,
            reward: REWARD,
            claims,
            salt: [3; 32],
        }
    }

    /// A task with a data policy.
    pub(crate) fn policied(&self, claims: u32) -> Task {
        Task { policy_id: self.policy, registry: OWNER, max_delay: 100, skew: 10, ..self.named(claims) }
    }

    /// What `Always` takes for a task with a data policy.
    pub(crate) fn answer(&self, task: &Task, recipient: Address) -> Call {
        let statement = [
            context_slot(&self.context(task, recipient)),
            number(0x88),
            task.policy_id,
            self.root,
            window(NOW - 50),
            number(NULLIFIER),
            number(0x66),
            number(0x55),
        ];
        Call { statement, proof: vec![[1; 32]] }
    }

    /// What `Always` takes under the empty policy.
    fn plain_answer(&self, task: &Task, recipient: Address) -> Call {
        let mut call = self.answer(task, recipient);
        call.statement[3..6].fill([0; 32]);
        call
    }
}

/// One record, in a window that ends then.
fn window(end: u64) -> Word {
    number(u128::from(end - 10) | u128::from(end) << 40 | 1 << 80)
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn real_proofs_are_paid_once() {
    for fixture in ALL.iter() {
        let mut s = Setting::of(fixture);
        let task = s.named(2);
        s.create(&task, &[PROVER, STRANGER]).result.unwrap();
        let call = fixture.call(s.context(&task, PROVER));
        // Whoever submits it, the recipient in the context is paid.
        s.submit(&task, STRANGER, &call).assert_error("WrongContext(uint256)");
        let before = s.chain.balance(PROVER);
        let outcome = s.submit(&task, PROVER, &call);
        outcome.result.as_ref().unwrap();
        assert_eq!((s.chain.balance(PROVER) - before, outcome.logs), (REWARD, 1));
        s.submit(&task, PROVER, &call).assert_error("NotARecipient()");
        // Another proof of the same is no other claim.
        let again = fixture.call(s.context(&task, PROVER));
        assert_ne!(again, call);
        s.submit(&task, PROVER, &again).assert_error("NotARecipient()");

        let mut forged = fixture.call(s.context(&task, STRANGER));
        forged.statement[7][31] ^= 1;
        s.submit(&task, STRANGER, &forged).assert_error("InvalidProof()");
        let unbound = fixture.call([0; 32]);
        s.submit(&task, STRANGER, &unbound).assert_error("WrongContext(uint256)");
    }
}

/// Whoever changes a submission on its way gets nothing for it, and spoils nothing.
#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn no_changed_byte_of_a_submission_is_paid() {
    for fixture in ALL.iter() {
        let mut s = Setting::of(fixture);
        let task = s.named(2);
        s.create(&task, &[PROVER, STRANGER]).result.unwrap();
        let call = fixture.call(s.context(&task, PROVER));
        let data = s.submission(&task, PROVER, &call);
        let escrow = s.chain.balance(s.hub);
        // The selector aside: other functions have tests of their own.
        for at in 4..data.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut changed = data.clone();
                changed[at] ^= mask;
                let outcome = s.send(STRANGER, 0, changed);
                assert!(outcome.result.is_err(), "{}: byte {at} ^ {mask:#x}", fixture.system);
            }
        }
        assert_eq!(s.chain.balance(s.hub), escrow);
        s.send(STRANGER, 0, data).result.unwrap();
        assert_eq!(s.chain.balance(s.hub), escrow - REWARD);
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn contexts_are_the_library_s() {
    let mut s = Setting::always();
    let task = s.named(1);
    let words = [task.id(), address(PROVER), number(task.deadline.into())];
    let found = s.send(STRANGER, 0, encode("contextOf(bytes32,address,uint64)", &words)).word();
    assert_eq!(found, context_slot(&s.context(&task, PROVER)));
    assert_eq!(s.send(STRANGER, 0, encode("CONTEXT_TYPEHASH()", &[])).word(), EvmContext::type_hash());
    assert_eq!(s.send(STRANGER, 0, encode("EMPTY_POLICY()", &[])).word(), EMPTY_POLICY_ID);
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn a_nullifier_is_paid_once_by_an_owner() {
    let mut s = Setting::always();
    s.set_root(DEADLINE);
    let (task, other) = (s.policied(3), Task { salt: [4; 32], ..s.policied(1) });
    let foreign = Task { owner: STRANGER, salt: [5; 32], ..s.policied(1) };
    for task in [&task, &other, &foreign] {
        s.create(task, &[]).result.unwrap();
    }
    let call = s.answer(&task, PROVER);
    s.submit(&task, PROVER, &call).result.unwrap();
    s.submit(&task, PROVER, &call).assert_error("NullifierUsed()");
    let replayed = s.answer(&other, PROVER);
    s.submit(&other, PROVER, &replayed).assert_error("NullifierUsed()");
    // What one owner has paid for says nothing about another.
    let call = s.answer(&foreign, PROVER);
    s.submit(&foreign, PROVER, &call).result.unwrap();
    // Others count, up to the number of claims.
    for n in 1..4 {
        let mut call = s.answer(&task, PROVER);
        call.statement[5] = number(NULLIFIER + n);
        let outcome = s.submit(&task, PROVER, &call);
        if n < 3 { assert!(outcome.result.is_ok()) } else { outcome.assert_error("NothingLeft()") }
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn under_the_empty_policy_nobody_can_drain() {
    let mut s = Setting::always();
    let open = s.named(2);
    s.create(&open, &[]).assert_error("AnyoneCouldDrain()");
    s.create(&open, &[PROVER]).assert_error("AnyoneCouldDrain()");
    s.create(&open, &[PROVER, PROVER]).assert_error("NamedTwice()");
    let pinned = Task { input_commitment: number(0x66), ..s.named(1) };
    s.create(&pinned, &[PROVER]).assert_error("AnyoneCouldDrain()");
    s.create(&Task { claims: 2, ..pinned.clone() }, &[]).assert_error("AnyoneCouldDrain()");
    s.create(&Task { registry: OWNER, ..pinned.clone() }, &[]).assert_error("NotUnderEmptyPolicy()");

    s.create(&pinned, &[]).result.unwrap();
    let good = s.plain_answer(&pinned, PROVER);
    for slot in 3..6 {
        let mut call = good.clone();
        call.statement[slot] = number(1);
        s.submit(&pinned, PROVER, &call).assert_error("NotEmpty()");
    }
    let mut own = good.clone();
    own.statement[6] = number(0x67);
    s.submit(&pinned, PROVER, &own).assert_error("WrongInput()");
    s.submit(&pinned, PROVER, &good).result.unwrap();
    s.submit(&pinned, PROVER, &good).assert_error("NothingLeft()");
    let stranger = s.plain_answer(&pinned, STRANGER);
    s.submit(&pinned, STRANGER, &stranger).assert_error("NothingLeft()");
    // A task that is done cannot be created again: its proofs would be paid again.
    s.create(&pinned, &[]).assert_error("TaskExists()");

    let named = s.named(2);
    s.create(&named, &[PROVER, OWNER]).result.unwrap();
    let call = s.plain_answer(&named, STRANGER);
    s.submit(&named, STRANGER, &call).assert_error("NotARecipient()");
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn tasks_are_well_formed() {
    let mut s = Setting::always();
    let task = s.policied(2);
    s.create_with(&task, &[], task.escrow() - 1).assert_error("WrongEscrow(uint256)");
    s.create_with(&task, &[], task.escrow() + 1).assert_error("WrongEscrow(uint256)");
    s.create(&Task { claims: 0, ..task.clone() }, &[]).assert_error("NoClaims()");
    s.create(&Task { registry: Address::ZERO, ..task.clone() }, &[]).assert_error("NoRegistry()");
    s.create(&Task { input_commitment: number(1), ..task.clone() }, &[]).assert_error("WrongInput()");
    s.create(&task, &[PROVER, OWNER]).assert_error("WrongInput()");
    s.create(&Task { deadline: NOW - 1, ..task.clone() }, &[]).assert_error("PastDeadline()");
    s.create(&Task { route: [1; 32], ..task.clone() }, &[]).assert_error("RouteNotOpen()");
    let signature = format!("createTask({TASK},address[])");
    let data = encode_with(&signature, &task.words(), &[(0, vec![])]);
    s.send(STRANGER, task.escrow(), data).assert_error("NotYours()");
    s.create(&task, &[]).result.unwrap();
    s.create(&task, &[]).assert_error("TaskExists()");
    // Terms that nobody agreed to are another task.
    s.set_root(DEADLINE);
    let richer = Task { reward: 2 * REWARD, ..task.clone() };
    let call = s.answer(&richer, PROVER);
    s.submit(&richer, PROVER, &call).assert_error("NothingLeft()");
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn escrow_comes_back_after_the_deadline_only() {
    let mut s = Setting::always();
    s.set_root(u64::MAX);
    let task = Task { max_delay: 10_000, ..s.policied(3) };
    s.create(&task, &[]).result.unwrap();
    let call = s.answer(&task, PROVER);
    s.submit(&task, PROVER, &call).result.unwrap();
    s.close(OWNER, &task).assert_error("NotPastDeadline()");
    s.chain.now = DEADLINE;
    s.close(OWNER, &task).assert_error("NotPastDeadline()");
    s.chain.now = DEADLINE + 1;
    let mut late = call.clone();
    late.statement[5] = number(NULLIFIER + 1);
    s.submit(&task, PROVER, &late).assert_error("PastDeadline()");
    s.close(STRANGER, &task).assert_error("NotYours()");
    let before = s.chain.balance(OWNER);
    s.close(OWNER, &task).result.unwrap();
    assert_eq!(s.chain.balance(OWNER) - before, 2 * REWARD);
    assert_eq!(s.chain.balance(s.hub), 0);
    s.close(OWNER, &task).assert_error("NothingLeft()");
    s.submit(&task, PROVER, &late).assert_error("NothingLeft()");
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn routes_are_frozen_and_never_replaced() {
    let mut s = Setting::always();
    s.set_root(DEADLINE);
    let task = s.policied(1);
    s.create(&task, &[]).result.unwrap();
    let route = s.route.clone();
    s.add(OWNER, &route).assert_error("RouteExists()");
    s.add(STRANGER, &route).assert_error("NotYours()");
    s.add(OWNER, &Route { vk_digest: number(0x78), ..route.clone() }).assert_error("VerifierChanged()");
    s.add(OWNER, &Route { circuit_id: number(0x87), ..route.clone() }).assert_error("VerifierChanged()");
    s.add(OWNER, &Route { code_hash: [7; 32], ..route.clone() }).assert_error("VerifierChanged()");
    s.add(OWNER, &Route { verifier: PROVER, code_hash: keccak(&[]), ..route.clone() })
        .assert_error("VerifierChanged()");
    // Another keeper's route to the same verifier is another route: freezing it stops nothing of the first.
    let foreign = Route { keeper: STRANGER, ..route.clone() };
    s.add(STRANGER, &foreign).result.unwrap();
    s.freeze(STRANGER).assert_error("NotYours()");
    s.route = foreign;
    s.freeze(STRANGER).result.unwrap();
    let call = s.answer(&task, PROVER);
    s.submit(&task, PROVER, &call).assert_error("RouteNotOpen()");
    s.route = route.clone();
    s.submit(&task, PROVER, &call).result.unwrap();

    let next = Task { salt: [6; 32], ..task };
    s.create(&next, &[]).result.unwrap();
    s.freeze(OWNER).result.unwrap();
    s.freeze(OWNER).assert_error("RouteNotOpen()");
    s.add(OWNER, &route).assert_error("RouteExists()");
    let mut call = s.answer(&next, PROVER);
    call.statement[5] = number(NULLIFIER + 1);
    s.submit(&next, PROVER, &call).assert_error("RouteNotOpen()");
    s.create(&Task { salt: [7; 32], ..next }, &[]).assert_error("RouteNotOpen()");
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn a_recipient_that_takes_no_money_uses_nothing_up() {
    let mut s = Setting::always();
    s.set_root(DEADLINE);
    let task = s.policied(1);
    s.create(&task, &[]).result.unwrap();
    let refusing = s.chain.deploy("Refusing", &[]);
    let call = s.answer(&task, refusing);
    s.submit(&task, refusing, &call).assert_error("NotPaid()");
    let call = s.answer(&task, PROVER);
    s.submit(&task, PROVER, &call).result.unwrap();
}
