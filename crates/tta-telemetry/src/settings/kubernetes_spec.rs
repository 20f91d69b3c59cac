//! What the downward API of Kubernetes tells a container by variables.

use super::spec::SettingSpec;

/// An attribute of the resource, and the variables that may hold it. Those without `K8S` in their name
/// count inside a pod alone: elsewhere they may mean something else.
macro_rules! kubernetes_spec {
    ($attribute:literal, [$($variable:literal),*], $default:literal) => {
        SettingSpec::new(
            &[$($variable),*],
            $default,
            "",
            concat!(
                "Sent as `",
                $attribute,
                "`. A variable without `K8S` in its name counts inside a pod alone, where \
                 KUBERNETES_SERVICE_HOST is set."
            ),
        )
    };
}

/// Each attribute with its setting.
pub(crate) const KUBERNETES: [(&str, &SettingSpec); 7] = [
    ("k8s.cluster.name", &CLUSTER),
    ("k8s.namespace.name", &NAMESPACE),
    ("k8s.node.name", &NODE),
    ("k8s.pod.name", &POD),
    ("k8s.pod.uid", &POD_UID),
    ("k8s.container.name", &CONTAINER),
    ("k8s.deployment.name", &DEPLOYMENT),
];

pub(crate) const CLUSTER: SettingSpec =
    kubernetes_spec!("k8s.cluster.name", ["K8S_CLUSTER_NAME"], "none");
pub(crate) const NAMESPACE: SettingSpec = kubernetes_spec!(
    "k8s.namespace.name",
    ["K8S_NAMESPACE_NAME", "K8S_NAMESPACE", "POD_NAMESPACE"],
    "that of the service account, inside a pod"
);
pub(crate) const NODE: SettingSpec =
    kubernetes_spec!("k8s.node.name", ["K8S_NODE_NAME", "NODE_NAME"], "none");
pub(crate) const POD: SettingSpec =
    kubernetes_spec!("k8s.pod.name", ["K8S_POD_NAME", "POD_NAME"], "none");
pub(crate) const POD_UID: SettingSpec =
    kubernetes_spec!("k8s.pod.uid", ["K8S_POD_UID", "POD_UID"], "none");
pub(crate) const CONTAINER: SettingSpec = kubernetes_spec!(
    "k8s.container.name",
    ["K8S_CONTAINER_NAME", "CONTAINER_NAME"],
    "none"
);
pub(crate) const DEPLOYMENT: SettingSpec =
    kubernetes_spec!("k8s.deployment.name", ["K8S_DEPLOYMENT_NAME"], "none");
