export default function InterfacePage({ device, name }: { device: string; name: string }) { return <p>{device} {name}</p>; }
