// A short link: it becomes the address that was saved under its number.
import { Link, useParams, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { Problem } from "../../api/client";
import { useSavedOne } from "../../api/saved";
import { keptHref, paths } from "../../paths";
import { Empty, Failed, Loading } from "../../ui/States";

export function ShortPage() {
  const { id } = useParams({ from: paths.short });
  const router = useRouter();
  const saved = useSavedOne(id);
  const address = saved.data?.address;
  useEffect(() => {
    // In place of the short link: the way back leads to where people came from.
    if (address !== undefined) router.history.replace(keptHref(address));
  }, [address, router]);
  if (saved.error instanceof Problem && saved.error.status === 404) {
    return (
      <div className="page">
        <h1 className="visually-hidden">Saved question {id}</h1>
        <Empty title={`Nothing is saved as ${id}`}>
          It was deleted, or the link has a slip. <Link to={paths.saved}>See all saved questions</Link>.
        </Empty>
      </div>
    );
  }
  return (
    <div className="page">
      <h1 className="visually-hidden">Saved question {id}</h1>
      {saved.isError ? (
        <Failed error={saved.error} onRetry={() => void saved.refetch()} />
      ) : (
        <Loading what="the saved question" />
      )}
    </div>
  );
}
