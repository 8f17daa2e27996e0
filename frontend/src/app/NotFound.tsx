import { Link } from "wouter";
import { EmptyState } from "../ui/States";

export default function NotFound() {
  return <EmptyState title="There is no such page" action={<Link href="/">Go to Home</Link>}>The address may be mistyped, or the link is from another version.</EmptyState>;
}
