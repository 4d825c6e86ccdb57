//! `avouch context`: slot 0 in both forms.

use avouch_verifier::{EvmContext, GenericContext, context_slot};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    args::Hex,
    console::{Answer, field},
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch context evm --chain-id 1 --hub 0x5fbdb2315678afecb367f032d93f642f64180aa3 \\
    --task-id 0x0000000000000000000000000000000000000000000000000000000000000007 \\
    --recipient 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 --deadline 1800000000
  avouch context generic --chain my-network --hub oracle-1 --task-id 42 --recipient node-7 --deadline 1800000000")]
pub(crate) struct Context {
    #[command(subcommand)]
    form: Form,
}

#[derive(Subcommand)]
enum Form {
    /// keccak256(abi.encode(…)), as a contract computes it.
    Evm {
        /// EIP-155 chain id.
        #[arg(long)]
        chain_id: u64,
        /// Contract that takes the proof.
        #[arg(long, value_name = "ADDRESS")]
        hub: Hex<20>,
        /// Task there.
        #[arg(long, value_name = "HEX")]
        task_id: Hex<32>,
        /// Who is paid.
        #[arg(long, value_name = "ADDRESS")]
        recipient: Hex<20>,
        /// Unix time after which the proof is refused.
        #[arg(long, value_name = "SECONDS")]
        deadline: u64,
    },
    /// SHA-256 of the same fields as bytes, anywhere else.
    Generic {
        /// Chain, network or service: text, or 0x and hexadecimal.
        #[arg(long)]
        chain: Field,
        /// Contract or endpoint that takes the proof.
        #[arg(long)]
        hub: Field,
        /// Task there.
        #[arg(long)]
        task_id: Field,
        /// Who is paid or answered.
        #[arg(long)]
        recipient: Field,
        /// Unix time after which the proof is refused.
        #[arg(long, value_name = "SECONDS")]
        deadline: u64,
    },
}

/// Bytes, as text or as hexadecimal digits after `0x`.
#[derive(Clone, Debug)]
struct Field(Vec<u8>);

impl std::str::FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("0x") {
            Some(digits) => hex::decode(digits).map(Self).map_err(|e| format!("hexadecimal digits after 0x: {e}")),
            None => Ok(Self(text.as_bytes().to_vec())),
        }
    }
}

impl Context {
    pub(crate) fn run(self) -> Answer {
        let (form, digest) = match self.form {
            Form::Evm { chain_id, hub, task_id, recipient, deadline } => {
                let context = EvmContext { chain_id, hub: hub.0, task_id: task_id.0, recipient: recipient.0, deadline };
                ("evm", context.digest())
            }
            Form::Generic { chain, hub, task_id, recipient, deadline } => {
                let [chain, hub, task_id, recipient] = [&chain.0, &hub.0, &task_id.0, &recipient.0];
                let context = GenericContext { chain, hub, task_id, recipient, deadline };
                // A field of 2^32 bytes does not fit on a command line.
                ("generic", context.digest().unwrap_or_default())
            }
        };
        let (digest, slot) = (hex::encode(digest), hex::encode(context_slot(&digest)));
        let mut text = field("context", &digest);
        text += &field("slot 0", &slot);
        Answer { json: json!({ "form": form, "context": digest, "slot": slot }), text }
    }
}
