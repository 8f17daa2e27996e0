export default function DevicePage({ name, tab }: { name: string; tab: string }) { return <p>{name} {tab}</p>; }
