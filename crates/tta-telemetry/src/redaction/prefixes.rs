//! How the keys of well-known issuers begin.

/// How keys of an issuer begin, and how many characters follow at least.
pub(super) struct Prefix {
    pub(super) begins: &'static str,
    pub(super) least: usize,
}

const fn prefix(begins: &'static str, least: usize) -> Prefix {
    Prefix { begins, least }
}

/// Only beginnings that are nobody's word, with as much after them as the shortest key has.
pub(super) const PREFIXES: &[Prefix] = &[
    // OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse.
    prefix("sk-", 16),
    prefix("pk-lf-", 16),
    // Stripe.
    prefix("sk_live_", 16),
    prefix("sk_test_", 16),
    prefix("rk_live_", 16),
    prefix("whsec_", 16),
    // GitHub, GitLab.
    prefix("ghp_", 20),
    prefix("gho_", 20),
    prefix("ghu_", 20),
    prefix("ghs_", 20),
    prefix("ghr_", 20),
    prefix("github_pat_", 20),
    prefix("glpat-", 16),
    // Slack.
    prefix("xoxb-", 10),
    prefix("xoxp-", 10),
    prefix("xoxa-", 10),
    prefix("xoxr-", 10),
    prefix("xoxs-", 10),
    prefix("xapp-", 10),
    // AWS, Google.
    prefix("AKIA", 16),
    prefix("ASIA", 16),
    prefix("AIza", 30),
    prefix("ya29.", 20),
    // Hugging Face, Groq, xAI, Replicate, Perplexity, NVIDIA, LangSmith.
    prefix("hf_", 20),
    prefix("gsk_", 20),
    prefix("xai-", 20),
    prefix("r8_", 20),
    prefix("pplx-", 20),
    prefix("nvapi-", 20),
    prefix("lsv2_", 20),
    // npm, PyPI, DigitalOcean, SendGrid, Grafana, HashiCorp Vault.
    prefix("npm_", 20),
    prefix("pypi-", 20),
    prefix("dop_v1_", 20),
    prefix("SG.", 20),
    prefix("glc_", 20),
    prefix("glsa_", 20),
    prefix("hvs.", 20),
    // A JSON web token: an object in Base64.
    prefix("eyJ", 20),
];
