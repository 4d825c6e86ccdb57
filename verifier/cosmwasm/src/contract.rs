//! The entry points.

use avouch_verifier::{Acceptance, AcceptedKey, Freshness, GenericContext, KeyPolicy, VerifyingKey, verify};
use cosmwasm_std::{
    Binary, Deps, DepsMut, Env, Event, HexBinary, MessageInfo, Response, StdError, StdResult, entry_point,
    to_json_binary,
};

use crate::{
    error::ContractError,
    message::{Execute, Instantiate, Query, Terms},
    state,
};

#[entry_point]
pub(crate) fn instantiate(
    deps: DepsMut<'_>,
    _env: Env,
    info: MessageInfo,
    Instantiate { key, terms }: Instantiate,
) -> Result<Response, ContractError> {
    check_no_funds(&info)?;
    deps.api.addr_validate(&terms.registry)?;
    terms.policy_id.to_array::<32>()?;
    if !admit(&key, &terms)?.key().description().has_data_policy() {
        return Err(ContractError::NoDataPolicy);
    }
    state::set(deps.storage, &terms, &key)?;
    Ok(Response::new())
}

#[entry_point]
pub(crate) fn execute(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    message: Execute,
) -> Result<Response, ContractError> {
    check_no_funds(&info)?;
    let event = match message {
        Execute::SetRoot { root, until } => set_root(deps, &info, &root, until)?,
        Execute::Submit { recipient, proof } => submit(deps, &env, &recipient, &proof)?,
    };
    Ok(Response::new().add_event(event))
}

#[entry_point]
pub(crate) fn query(deps: Deps<'_>, env: Env, query: Query) -> StdResult<Binary> {
    match query {
        Query::Terms {} => to_json_binary(&state::terms(deps.storage)?),
        Query::Context { recipient } => {
            let recipient = deps.api.addr_validate(&recipient)?;
            to_json_binary(&HexBinary::from(context(&env, &state::terms(deps.storage)?, recipient.as_str())?))
        }
        Query::ValidUntil { root } => to_json_binary(&state::valid_until(deps.storage, &root.to_array()?)),
        Query::IsUsed { nullifier } => to_json_binary(&state::is_used(deps.storage, &nullifier.to_array()?)),
    }
}

/// Funds would stay here for good.
fn check_no_funds(info: &MessageInfo) -> Result<(), ContractError> {
    if info.funds.is_empty() { Ok(()) } else { Err(ContractError::Funds) }
}

/// The key, if it is the pinned one.
fn admit(file: &[u8], terms: &Terms) -> Result<AcceptedKey, ContractError> {
    let policy = KeyPolicy { allow_dev: terms.allow_dev_setup, expect_vk: Some(terms.vk_digest.to_array()?) };
    Ok(policy.admit(VerifyingKey::decode(file)?)?)
}

/// The digest whose first 31 bytes are slot 0.
fn context(env: &Env, terms: &Terms, recipient: &str) -> StdResult<[u8; 32]> {
    let context = GenericContext {
        chain: env.block.chain_id.as_bytes(),
        hub: env.contract.address.as_bytes(),
        task_id: terms.task_id.as_slice(),
        recipient: recipient.as_bytes(),
        deadline: terms.deadline,
    };
    context.digest().ok_or_else(|| StdError::msg("the task's id is too long for a context"))
}

fn set_root(deps: DepsMut<'_>, info: &MessageInfo, root: &HexBinary, until: u64) -> Result<Event, ContractError> {
    let Terms { registry, .. } = state::terms(deps.storage)?;
    if info.sender.as_str() != registry {
        return Err(ContractError::NotTheRegistry { registry });
    }
    state::set_root(deps.storage, &root.to_array()?, until);
    Ok(Event::new("avouch-root").add_attribute("root", root.to_hex()).add_attribute("until", until.to_string()))
}

fn submit(deps: DepsMut<'_>, env: &Env, recipient: &str, proof: &[u8]) -> Result<Event, ContractError> {
    let recipient = deps.api.addr_validate(recipient)?;
    let terms = state::terms(deps.storage)?;
    let now = env.block.time.seconds();
    if now > terms.deadline {
        return Err(ContractError::PastDeadline { deadline: terms.deadline });
    }
    let claim = verify(&admit(&state::key(deps.storage)?, &terms)?, proof)?;
    let demands = Acceptance {
        expect_context: Some(context(env, &terms, recipient.as_str())?),
        expect_policy: Some(terms.policy_id.to_array()?),
        freshness: Some(Freshness { now, max_delay: terms.max_delay, skew: terms.skew }),
        ..Acceptance::default()
    };
    demands.evaluate(&claim).check()?;
    let statement = claim.statement();
    let until = state::valid_until(deps.storage, statement.registry_root());
    if until < now {
        return Err(ContractError::RootExpired { until });
    }
    // A claim's identity: anybody can make other bytes of the same proof, and the prover another proof.
    let nullifier = statement.nullifier();
    if state::is_used(deps.storage, nullifier) {
        return Err(ContractError::NullifierUsed);
    }
    state::set_used(deps.storage, nullifier);
    Ok(Event::new("avouch-answer")
        .add_attribute("recipient", recipient)
        .add_attribute("nullifier", HexBinary::from(nullifier).to_hex())
        .add_attribute("input_commitment", HexBinary::from(statement.input_commitment()).to_hex())
        .add_attribute("output", claim.output().to_string()))
}
