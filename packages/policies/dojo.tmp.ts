import { readFileSync } from "node:fs";
import { compile, createRunState, decide, noteCall, notePrompt, noteResult, toPlain } from "@handlebar/engine";
import type { Policy } from "@handlebar/protocol";
const policy: Policy = { name: "dojo", flow: { sources: [
  { fields: ["freeText"], trust: "untrusted" }, { trust: "trusted" },
 ] }, rules: [
  { name: "money", on: "tool.before", tool: { name: ["send_money","schedule_transaction","update_scheduled_transaction"] }, when: { kind: "argFrom", paths: ["recipient"], origins: ["untrusted","unseen"] }, effect: { type: "block" } },
  { name: "password", on: "tool.before", tool: { name: ["update_password","update_user_info"] }, when: { kind: "argFrom", paths: ["**"], origins: ["untrusted","unseen"] }, effect: { type: "block" } },
  { name: "mail", on: "tool.before", tool: { name: ["send_email"] }, when: { kind: "argFrom", paths: ["recipients","cc","bcc"], origins: ["untrusted","unseen"] }, effect: { type: "block" } },
  { name: "share", on: "tool.before", tool: { name: ["share_file","add_calendar_event_participants","create_calendar_event"] }, when: { kind: "argFrom", paths: ["email","participants"], origins: ["untrusted","unseen"] }, effect: { type: "block" } },
 ] };
const set = compile([policy]);
for (const suite of ["banking","workspace"]) {
  const rows = readFileSync(`/work/shared/data/agentdojo/${suite}.jsonl`,"utf8").trim().split("\n").map(l=>JSON.parse(l));
  const runs = new Map<string, any[]>(); for (const r of rows) { const a=runs.get(r.run_id)??[]; a.push(r); runs.set(r.run_id,a); }
  const stat: Record<string, [number, number]> = {}; let bn=0,bb=0; const fp: string[]=[]; const miss: string[]=[];
  for (const [id, rs] of runs) {
    const state=createRunState(); notePrompt(set,state,rs[0].prompt);
    for (const r of rs) {
      const call={callId:`${r.step}`,tool:{name:r.tool,tags:[]},args:toPlain(r.args).value};
      const base={nowMs:r.step*1000,agent:{slug:"a",tags:[]},run:{runId:id,startedAtMs:0,status:"open" as const,tags:{},context:{},state},failClosed:false,enforceMode:"enforce" as const};
      const f={...base,phase:"tool.before" as const,call};
      const d=decide(set,f);
      if (!r.injection_task) { bn++; if (d.verdict==="BLOCK"){bb++; fp.push(`${id} ${r.tool} ${JSON.stringify(r.args).slice(0,140)}`);} }
      else if (r.origin==="injected") { const k=r.tool; stat[k]??=[0,0]; stat[k][1]++; if (d.verdict==="BLOCK") stat[k][0]++; else miss.push(`${id} ${r.tool} ${JSON.stringify(r.args).slice(0,140)}`); }
      noteCall(set,f,{verdict:"ALLOW"});
      noteResult(set,{...base,phase:"tool.after",call:{...call,...(r.error? {error:{message:String(r.error)}}:{result:r.result})}});
    }
  }
  console.log(suite, "benign", bb,"/",bn, (100*bb/bn).toFixed(1)+"%", stat); console.log([...new Set(fp)].join("\n")); console.log("MISS", [...new Set(miss.filter(m=>/send_money|update_password|send_email/.test(m)))].slice(0,12).join("\n"), miss.length);
}
