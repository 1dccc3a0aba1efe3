// Loaded into an app before anything else by the ablation `kept-jobs`: BullMQ as many use it, with one id
// for all attempts of a message and its jobs kept when they are done.
import { Queue } from 'bullmq';

const kept = (options) => ({
  ...options,
  jobId: options?.jobId?.replace(/-\d+$/, ''),
  removeOnComplete: false,
  removeOnFail: false,
});
const { add, addBulk } = Queue.prototype;
Queue.prototype.add = function addKept(name, data, options) {
  return add.call(this, name, data, kept(options));
};
Queue.prototype.addBulk = function addBulkKept(jobs) {
  return addBulk.call(
    this,
    jobs.map((job) => ({ ...job, opts: kept(job.opts) })),
  );
};
