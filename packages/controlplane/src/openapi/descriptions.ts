/** What `kubectl explain` says about a type, or about a member of it; in our own words, for what people ask about. */
const TEXTS: Readonly<Record<string, string>> = {
  "core.v1.Pod": "Containers that run together on one node and share its network and volumes.",
  "core.v1.Pod.spec": "What should run.",
  "core.v1.Pod.status": "What was last seen to run; written by the node.",
  "core.v1.PodSpec": "What a pod should run, where and how.",
  "core.v1.PodSpec.containers": "The containers of the pod; at least one.",
  "core.v1.PodSpec.nodeName": "The node the pod is bound to; the scheduler fills it in.",
  "core.v1.PodSpec.nodeSelector": "Labels that a node must have for the pod to run there.",
  "core.v1.PodSpec.restartPolicy": "Whether containers are started again after they end.",
  "core.v1.PodSpec.tolerations": "Taints of nodes that the pod accepts.",
  "core.v1.PodSpec.volumes": "Volumes that the containers can mount.",
  "core.v1.Container": "One container of a pod.",
  "core.v1.Container.image": "The image to run.",
  "core.v1.Container.imagePullPolicy": "When to fetch the image: Always, IfNotPresent or Never.",
  "core.v1.Container.command": "The program to run instead of the image's own.",
  "core.v1.Container.args": "Arguments for the program.",
  "core.v1.Container.env": "Environment variables.",
  "core.v1.Container.ports": "Ports that the container listens on.",
  "core.v1.Container.resources": "What the container needs and may use at most.",
  "core.v1.Container.volumeMounts": "Where volumes appear in the container's file system.",
  "core.v1.Node": "A machine that runs pods.",
  "core.v1.Namespace": "A space of names for objects.",
  "core.v1.ConfigMap": "Settings for pods to read.",
  "core.v1.Secret": "Settings that are kept secret.",
  "core.v1.Service": "A stable address for a set of pods.",
  "core.v1.ServiceAccount": "An identity for programs that run in pods.",
  "core.v1.Event": "Something that happened to an object.",
  "apps.v1.Deployment":
    "Keeps a number of equal pods running and replaces them step by step when their template changes.",
  "apps.v1.DeploymentSpec": "How many pods a Deployment keeps, and what they look like.",
  "apps.v1.DeploymentSpec.replicas": "How many pods there should be; 1 when nothing is said.",
  "apps.v1.DeploymentSpec.selector": "Which pods belong to it; must match the template's labels and cannot be changed.",
  "apps.v1.DeploymentSpec.strategy": "How old pods are replaced by new ones.",
  "apps.v1.DeploymentSpec.template": "What the pods look like.",
  "apps.v1.ReplicaSet": "Keeps a number of equal pods running.",
  "coordination.v1.Lease": "Something that is held for a time, e.g. a node's sign of life.",
  "apiextensions.v1.CustomResourceDefinition": "Adds a kind of object to the API.",
  "meta.v1.ObjectMeta": "What every object has: its name, labels, owners and more.",
};

/** The description; empty when there is none. */
export function descriptionOf(typeName: string, member?: string): string {
  return TEXTS[member === undefined ? typeName : `${typeName}.${member}`] ?? "";
}
