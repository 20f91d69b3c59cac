//! The container that the process runs in, as the kernel's tables name it.

use super::read;

/// The container's id; none outside a container, or where the runtime hides it.
pub(super) fn id() -> Option<String> {
    let of_groups = read("/proc/self/cgroup");
    let of_groups = of_groups.as_deref().and_then(in_control_groups);
    of_groups.or_else(|| read("/proc/self/mountinfo").as_deref().and_then(in_mounts))
}

/// Control groups, version 1 and, where the namespace is the host's, version 2: the id is in the last
/// part of a line's path.
fn in_control_groups(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let last = line.rsplit('/').next()?;
        // systemd: `docker-ID.scope`, `cri-containerd-ID.scope`; containerd: `…:cri-containerd:ID`.
        let last = last.strip_suffix(".scope").unwrap_or(last);
        let last = last.rsplit(':').next()?;
        let id = last.rsplit('-').next()?;
        is_id(id).then(|| id.to_owned())
    })
}

/// Mounts, for version 2, where the process sees no path of its own: files such as the name of the
/// host come from the container's folder on the host.
fn in_mounts(text: &str) -> Option<String> {
    let own = text.lines().filter(|line| {
        // The fourth field is where the mount comes from, and the fifth where it is.
        let at = line.split(' ').nth(4);
        at.is_some_and(|at| OWN_FILES.contains(&at))
    });
    own.filter_map(|line| line.split(' ').nth(3))
        .find_map(|from| {
            let mut folders = from.split('/').skip_while(|part| !is_parent(part));
            folders.find(|part| is_id(part)).map(str::to_owned)
        })
}

/// The folder in which a runtime keeps one for each container. Pods have ids of the same form in
/// folders of other names.
fn is_parent(folder: &str) -> bool {
    matches!(folder, "containers" | "overlay-containers")
}

fn is_id(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

const OWN_FILES: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "dc679f8a8319c8cf7d38e1adf263bc08d234f8749ed9714842ac19daa5be52a1";

    #[test]
    fn control_groups_of_each_runtime_name_the_container() {
        for line in [
            format!("13:name=systemd:/docker/{ID}"),
            format!("1:name=systemd:/podruntime/docker/kubepods/{ID}"),
            format!("0::/system.slice/docker-{ID}.scope"),
            format!("11:devices:/kubepods/besteffort/pod9d8e1f3a-0000-4b53-8a5e-000000000000/{ID}"),
            format!("0::/kubepods.slice/kubepods-pod9d8e.slice/cri-containerd-{ID}.scope"),
            format!("0::/kubepods.slice/crio-{ID}.scope"),
            format!(
                "1:cpu:/system.slice/containerd.service/kubepods-pod9.slice:cri-containerd:{ID}"
            ),
            format!("1:name=systemd:/machine.slice/libpod-{ID}.scope"),
        ] {
            let text = format!("12:pids:/\n{line}\n");
            assert_eq!(in_control_groups(&text).as_deref(), Some(ID), "{line}");
        }
    }

    #[test]
    fn control_groups_of_no_container_name_none() {
        for text in [
            "",
            "0::/\n",
            "0::/user.slice/user-1000.slice/session-2.scope\n",
            "12:pids:/docker/short\n",
            &format!("1:cpu:/docker/{}g\n", &ID[1..]),
            &format!("1:cpu:/docker/{}\n", ID.to_uppercase()),
        ] {
            assert_eq!(in_control_groups(text), None, "{text}");
        }
    }

    #[test]
    fn mounts_of_each_runtime_name_the_container() {
        for from in [
            format!("/var/lib/docker/containers/{ID}/hostname"),
            format!("/containers/storage/overlay-containers/{ID}/userdata/hostname"),
        ] {
            let text = format!(
                "1 2 0:3 / / rw - overlay overlay rw\n\
                 1607 1603 254:1 {from} /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n"
            );
            assert_eq!(in_mounts(&text).as_deref(), Some(ID), "{from}");
        }
    }

    #[test]
    fn mounts_of_pods_and_layers_are_not_taken_for_containers() {
        for line in [
            format!("1 2 0:3 /kubelet/pods/{ID}/etc-hosts /etc/hosts rw - ext4 /dev/vda1 rw"),
            format!("1 2 0:3 /var/lib/docker/overlay2/{ID}/merged / rw - overlay overlay rw"),
            format!("1 2 0:3 /var/lib/docker/containers/{ID}/x /data rw - ext4 /dev/vda1 rw"),
            "1 2".to_owned(),
        ] {
            assert_eq!(in_mounts(&line), None, "{line}");
        }
    }
}
