// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IAvouchVerifier} from "./IAvouchVerifier.sol";

/// Pays for proven inferences.
///
/// Routes and tasks are named by the hashes of what they are, and given in full by whoever uses them: nothing about them
/// can be changed, and the hub keeps one word of each. A proof is for one task, recipient, hub and chain, which are in its
/// context; so it does not matter who submits it.
contract InferenceHub {
    /// A verifier, as its keeper has looked at it. A hash pins its code, but nothing that this code reads from elsewhere, so
    /// a proxy is no verifier to vouch for; those that `avouch export solidity` writes read nothing.
    struct Route {
        /// The digest of the whole verifying key.
        bytes32 vkDigest;
        /// Slot 1 of every statement.
        uint256 circuitId;
        address verifier;
        /// keccak256 of the verifier's code.
        bytes32 codeHash;
        /// Who may freeze the route, for good.
        address keeper;
    }

    /// What a task pays for.
    ///
    /// With a data policy: each nullifier that was not used before, up to a number of claims. Under the empty policy there
    /// are no nullifiers, and inputs are the prover's own; so it is either one answer about a pinned input, or one from
    /// each recipient that is named.
    struct Task {
        address owner;
        /// The hash of a route.
        bytes32 route;
        /// Slot 2.
        uint256 policyId;
        /// Slot 6, or zero if it is not pinned.
        uint256 inputCommitment;
        /// Whose roots of devices and consents are taken; zero under the empty policy.
        address registry;
        /// Seconds that a window may have ended ago, and that it may end ahead of the chain's time.
        uint64 maxDelay;
        uint64 skew;
        /// Unix time after which nothing is paid, and the rest can be taken back.
        uint64 deadline;
        /// Wei for each claim.
        uint128 reward;
        uint32 claims;
        /// Sets apart tasks that are otherwise the same.
        bytes32 salt;
    }

    /// Every part of the digest whose first 31 bytes are slot 0.
    bytes32 public constant CONTEXT_TYPEHASH =
        keccak256("AvouchContext(uint256 chainId,address hub,bytes32 taskId,address recipient,uint64 deadline)");
    /// "avouch/policy/empty/v1"
    uint256 public constant EMPTY_POLICY = 0x61766f7563682f706f6c6963792f656d7074792f7631;
    /// Far above what a verifier takes.
    uint256 private constant VERIFY_GAS = 500_000;

    enum Status {
        Unknown,
        Open,
        Frozen
    }

    /// Of routes, by their hashes.
    mapping(bytes32 => Status) public statusOf;
    /// Of tasks, by their hashes: one more than the claims that are left; zero if there is no such task.
    mapping(bytes32 => uint256) private _left;
    /// Recipients that a task names and that have not claimed yet.
    mapping(bytes32 => mapping(address => bool)) public mayClaim;
    /// Until when a registry stands by a root.
    mapping(address => mapping(uint256 => uint64)) public validUntil;
    /// Nullifiers that an owner of tasks has paid for.
    mapping(address => mapping(uint256 => bool)) public isUsed;

    event RouteAdded(bytes32 indexed id, Route route);
    event RouteFrozen(bytes32 indexed id);
    event RootSet(address indexed registry, uint256 indexed root, uint64 validUntil);
    event TaskCreated(bytes32 indexed id, Task task, address[] recipients);
    event TaskClosed(bytes32 indexed id, uint256 refund);
    event Answered(bytes32 indexed id, address indexed recipient, uint256[8] statement);

    error NotYours();
    error RouteExists();
    error RouteNotOpen();
    error VerifierChanged();
    error TaskExists();
    error NothingLeft();
    error PastDeadline();
    error NotPastDeadline();
    error WrongEscrow(uint256 needed);
    error NoClaims();
    error AnyoneCouldDrain();
    error NamedTwice();
    error NoRegistry();
    error NotUnderEmptyPolicy();
    error NotARecipient();
    error WrongContext(uint256 expected);
    error WrongCircuit();
    error WrongPolicy();
    error WrongInput();
    error NotEmpty();
    error RootExpired();
    error NotFresh();
    error NullifierUsed();
    error InvalidProof();
    error NotPaid();

    /// Names a verifier. Blocks no other route: the keeper is a part of its name.
    function addRoute(Route calldata route) external returns (bytes32 id) {
        if (route.keeper != msg.sender) revert NotYours();
        id = keccak256(abi.encode(route));
        if (statusOf[id] != Status.Unknown) revert RouteExists();
        IAvouchVerifier verifier = IAvouchVerifier(route.verifier);
        bool same = route.verifier.codehash == route.codeHash && route.verifier.code.length != 0
            && verifier.vkDigest() == route.vkDigest && verifier.circuitId() == route.circuitId;
        if (!same) revert VerifierChanged();
        statusOf[id] = Status.Open;
        emit RouteAdded(id, route);
    }

    /// Stops all payments over a route, for good. Escrows stay until their deadlines.
    function freezeRoute(Route calldata route) external {
        if (route.keeper != msg.sender) revert NotYours();
        bytes32 id = keccak256(abi.encode(route));
        if (statusOf[id] != Status.Open) revert RouteNotOpen();
        statusOf[id] = Status.Frozen;
        emit RouteFrozen(id);
    }

    /// Says until when the sender stands by a root of its devices and consents; a time in the past withdraws it.
    function setRoot(uint256 root, uint64 until) external {
        validUntil[msg.sender][root] = until;
        emit RootSet(msg.sender, root, until);
    }

    /// Creates a task, with the rewards of all claims in escrow.
    function createTask(Task calldata task, address[] calldata recipients) external payable returns (bytes32 id) {
        if (task.owner != msg.sender) revert NotYours();
        if (statusOf[task.route] != Status.Open) revert RouteNotOpen();
        if (block.timestamp > task.deadline) revert PastDeadline();
        if (task.claims == 0) revert NoClaims();
        uint256 escrow = uint256(task.reward) * task.claims;
        if (msg.value != escrow) revert WrongEscrow(escrow);
        id = keccak256(abi.encode(task));
        if (_left[id] != 0) revert TaskExists();
        if (task.policyId == EMPTY_POLICY) {
            if (task.registry != address(0)) revert NotUnderEmptyPolicy();
            bool pinned = task.inputCommitment != 0 && recipients.length == 0 && task.claims == 1;
            bool named = task.inputCommitment == 0 && recipients.length == task.claims;
            if (!pinned && !named) revert AnyoneCouldDrain();
            for (uint256 i = 0; i < recipients.length; i++) {
                if (mayClaim[id][recipients[i]]) revert NamedTwice();
                mayClaim[id][recipients[i]] = true;
            }
        } else {
            if (task.registry == address(0)) revert NoRegistry();
            if (task.inputCommitment != 0 || recipients.length != 0) revert WrongInput();
        }
        _left[id] = uint256(task.claims) + 1;
        emit TaskCreated(id, task, recipients);
    }

    /// Gives back what was not claimed, after the deadline.
    function closeTask(Task calldata task) external {
        if (task.owner != msg.sender) revert NotYours();
        if (block.timestamp <= task.deadline) revert NotPastDeadline();
        bytes32 id = keccak256(abi.encode(task));
        uint256 refund = claimsLeft(id) * task.reward;
        if (refund == 0) revert NothingLeft();
        _left[id] = 1;
        emit TaskClosed(id, refund);
        _pay(msg.sender, refund);
    }

    /// Claims that a task still pays for.
    function claimsLeft(bytes32 id) public view returns (uint256) {
        uint256 left = _left[id];
        return left == 0 ? 0 : left - 1;
    }

    /// What slot 0 of a statement has to be.
    function contextOf(bytes32 id, address recipient, uint64 deadline) public view returns (uint256) {
        return
            uint256(keccak256(abi.encode(CONTEXT_TYPEHASH, block.chainid, address(this), id, recipient, deadline))) >> 8;
    }

    /// Pays a recipient for a proven statement. Anyone may submit it.
    function submit(
        Task calldata task,
        Route calldata route,
        address recipient,
        uint256[8] calldata statement,
        bytes calldata proof
    ) external {
        bytes32 id = keccak256(abi.encode(task));
        uint256 left = _left[id];
        if (left < 2) revert NothingLeft();
        if (block.timestamp > task.deadline) revert PastDeadline();
        _checkStatement(task, id, recipient, statement);
        _checkProof(task.route, route, statement, proof);

        _left[id] = left - 1;
        if (task.policyId != EMPTY_POLICY) isUsed[task.owner][statement[5]] = true;
        else if (task.inputCommitment == 0) mayClaim[id][recipient] = false;
        emit Answered(id, recipient, statement);
        _pay(recipient, task.reward);
    }

    function _checkStatement(Task calldata task, bytes32 id, address recipient, uint256[8] calldata statement)
        private
        view
    {
        uint256 context = contextOf(id, recipient, task.deadline);
        if (statement[0] != context) revert WrongContext(context);
        if (statement[2] != task.policyId) revert WrongPolicy();
        if (task.policyId == EMPTY_POLICY) {
            if (statement[3] | statement[4] | statement[5] != 0) revert NotEmpty();
            if (task.inputCommitment == 0) {
                if (!mayClaim[id][recipient]) revert NotARecipient();
            } else if (statement[6] != task.inputCommitment) {
                revert WrongInput();
            }
        } else {
            if (validUntil[task.registry][statement[3]] < block.timestamp) revert RootExpired();
            uint256 end = (statement[4] >> 40) & type(uint40).max;
            if (end + task.maxDelay < block.timestamp || end > block.timestamp + task.skew) revert NotFresh();
            if (statement[5] == 0 || isUsed[task.owner][statement[5]]) revert NullifierUsed();
        }
    }

    function _checkProof(bytes32 id, Route calldata route, uint256[8] calldata statement, bytes calldata proof)
        private
        view
    {
        if (keccak256(abi.encode(route)) != id || statusOf[id] != Status.Open) revert RouteNotOpen();
        if (route.verifier.codehash != route.codeHash) revert VerifierChanged();
        if (statement[1] != route.circuitId) revert WrongCircuit();
        if (!IAvouchVerifier(route.verifier).verify{gas: VERIFY_GAS}(statement, proof)) revert InvalidProof();
    }

    /// Copies nothing of what the recipient returns.
    function _pay(address to, uint256 amount) private {
        bool ok;
        assembly ("memory-safe") {
            ok := call(gas(), to, amount, 0, 0, 0, 0)
        }
        if (!ok) revert NotPaid();
    }
}
