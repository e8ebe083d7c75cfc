import { Failure } from '../../api/call';
import { Button } from '../../parts/Controls';
import { Empty, Problem, Skeleton } from '../../parts/States';

const failure = (status: number, title: string, detail: string) =>
  new Failure({ status, title, detail, hint: '', request_id: '01JQ8ZK4', errors: [] });

/** Empty, loading, failed, denied. */
export function StateRows() {
  return (
    <div className="cp-states">
      <section>
        <small>Empty, first run</small>
        <Empty title="No assets yet." text="Import a plant model: POST /api/v1/models/import" />
      </section>
      <section>
        <small>Empty by filter</small>
        <Empty title="No device matches.">
          <Button>Remove site</Button>
          <Button kind="quiet">Clear all</Button>
        </Empty>
      </section>
      <section>
        <small>Good emptiness</small>
        <Empty
          title="Every watched tag is inside its normal band."
          text="12,431 tags checked, newest 1 s ago."
        />
      </section>
      <section>
        <small>Loading, 150 ms to 2 s</small>
        <Skeleton rows={3} />
      </section>
      <section>
        <small>Backend down</small>
        <Problem error={failure(0, 'unreachable', '')} what="the overview" onRetry={() => undefined} />
      </section>
      <section>
        <small>Gone</small>
        <Problem error={failure(404, 'not found', '')} what="the asset" />
      </section>
      <section>
        <small>Error</small>
        <Problem
          error={failure(422, 'invalid', 'The range ends before it begins.')}
          what="the history"
          onRetry={() => undefined}
        />
      </section>
      <section>
        <small>Denied</small>
        <Problem error={failure(403, 'denied', 'Needs the role fleet_manager.')} what="the fleet" />
      </section>
    </div>
  );
}
