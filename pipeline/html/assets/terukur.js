(()=>{"use strict";
const data=id=>{const e=document.getElementById(id);return e?JSON.parse(e.textContent):null};
const root=document.documentElement,t=data("kata")||{},warna=data("warna")||{};
const all=(q,e=document)=>[...e.querySelectorAll(q)];
root.classList.add("js");const here=document.querySelector("nav.utama [aria-current]"),bar=here&&here.closest("nav");if(bar&&bar.scrollWidth>bar.clientWidth)bar.scrollLeft=here.offsetLeft-bar.offsetLeft-bar.clientWidth/2+here.offsetWidth/2;for(const e of all("[data-skrip]"))e.hidden=false;
/* nobody may be there to build a newer page: its age is told by the reader's own clock */
const age=document.getElementById("umur");if(age){const n=Math.floor((Date.now()-Date.parse(age.dataset.sampai))/864e5);
if(n>+age.dataset.batas){age.textContent=t.old.replace("{n}",n);age.hidden=false}}
/* theme: the system decides until the reader does */
let kept=null;try{kept=localStorage.getItem("tema")}catch{/* file viewers without storage */}
const dark=()=>root.dataset.theme?root.dataset.theme==="dark":matchMedia("(prefers-color-scheme:dark)").matches;
const toggle=document.getElementById("tombol-tema");
const label=()=>{if(toggle)toggle.textContent=dark()?t.light:t.dark};
if(kept==="dark"||kept==="light")root.dataset.theme=kept;
label();
if(toggle)toggle.addEventListener("click",()=>{root.dataset.theme=dark()?"light":"dark";
try{localStorage.setItem("tema",root.dataset.theme)}catch{/* as above */}label();redraw()});
matchMedia("(prefers-color-scheme:dark)").addEventListener("change",()=>{label();redraw()});
for(const e of all("[data-cetak]"))e.addEventListener("click",()=>print());
/* tables: search, filter, sort, first rows */
const fold=s=>s.toLocaleLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g,"");
for(const box of all("[data-tabel]")){
const table=box.querySelector("table"),body=table.tBodies[0],rows=[...body.rows],more=box.querySelector("[data-semua]"),count=box.querySelector("[data-jumlah]");
const q=box.querySelector("input"),picks=all("select[data-saring]",box),order=box.querySelector("select[data-urut]");let open=!more;
const apply=()=>{const want=fold(q?q.value.trim():"");let shown=0,hits=0;const busy=want||picks.some(p=>p.value);
for(const r of body.rows){const hit=(!want||fold(r.dataset.cari??r.cells[0].textContent).includes(want))&&picks.every(p=>!p.value||r.dataset[p.dataset.saring]===p.value);
if(hit)hits++;const cut=hit&&!open&&!busy&&shown>=15;r.hidden=!hit;if(cut){r.hidden=true;r.dataset.lipat=""}else delete r.dataset.lipat;if(hit&&!cut)shown++}
if(more)more.hidden=open||!!busy;if(count)count.textContent=busy?t.found.replace("{n}",hits):""};
const sort=(key,dir)=>{const v=r=>{const c=r.querySelector(`[data-k="${key}"]`);return c?c.dataset.v:""};
const num=rows.every(r=>v(r)===""||!isNaN(v(r)));
rows.sort((a,b)=>{const x=v(a),y=v(b);if(x===""||y==="")return(x==="")-(y==="");return dir*(num?x-y:x.localeCompare(y,root.lang,{ignorePunctuation:true}))});
body.append(...rows);table.dataset.urut=key;
for(const h of all("th[data-key]",table))h.setAttribute("aria-sort",h.dataset.key===key?(dir>0?"ascending":"descending"):"none");apply()};
for(const h of all("th[data-key]",table)){const b=h.querySelector("button");if(b)b.addEventListener("click",()=>sort(h.dataset.key,h.getAttribute("aria-sort")==="ascending"?-1:h.getAttribute("aria-sort")==="descending"?1:h.classList.contains("n")?-1:1))}
if(order)order.addEventListener("change",()=>{const[k,d]=order.value.split(":");sort(k,+d)});
if(q)q.addEventListener("input",apply);for(const p of picks)p.addEventListener("change",apply);
if(more)more.addEventListener("click",()=>{open=true;apply();body.rows[15]&&body.rows[15].querySelector("a")&&body.rows[15].querySelector("a").focus()});
addEventListener("hashchange",()=>{const r=document.getElementById(location.hash.slice(1));if(r&&body.contains(r)){open=true;apply();r.scrollIntoView()}});
if(location.hash&&body.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`))open=true;apply()}
/* long lists of names: search, empty groups step aside */
for(const box of all("[data-nama]")){const q=box.querySelector("input"),names=all("[data-cari]",box),count=box.querySelector("[data-jumlah]");
q.addEventListener("input",()=>{const want=fold(q.value.trim());let hits=0;for(const e of names){e.hidden=!fold(e.dataset.cari).includes(want);hits+=!e.hidden}
for(const g of all("[data-bagian]",box))g.hidden=!g.querySelector("[data-cari]:not([hidden])");count.textContent=want?t.found.replace("{n}",hits):""})}
/* agencies of one group side by side: the cells of the table as cards, or what an earlier period said */
for(const box of all("[data-sanding]")){const all_=data("sanding-data"),k=all_.terms,most=+box.dataset.sanding,one=q=>box.querySelector(q);
const group=one("[data-kelompok]"),period=one("[data-periode]"),panel=one("[data-panel]"),say=one("[data-pesan]"),verdict=one("[data-beda]"),float=document.querySelector("[data-lekat]");
const picked=()=>all("[data-pilih]:checked").map(e=>e.closest("tr")),el=(name,text)=>{const e=document.createElement(name);if(text)e.textContent=text;return e};
const fill=(text,o)=>text.replace(/\{(\w+)\}/g,(m,n)=>n in o?o[n]:m),num=s=>parseFloat(s.replace(",","."));
const past=r=>all_.values[r.dataset.siapa][all_.periods.indexOf(period.value)]||[];
const span=r=>{if(!period.value)return(r.dataset.rentang||"").split(" ").filter(Boolean).map(Number);const v=past(r);return v[1]&&v[2]?[num(v[1]),num(v[2])]:[]};
const pair=(dl,label,parts)=>{dl.append(el("dt",label));const d=el("dd");d.append(...parts);dl.append(d)};
const card=r=>{const c=el("article"),h=el("h3"),dl=el("dl");h.append(r.querySelector(".nama").cloneNode(true));c.append(h,dl);
if(!period.value)for(const d of r.cells){if(d.dataset.l)pair(dl,d.dataset.l,[...d.cloneNode(true).childNodes])}
else{const v=past(r);if(!v.length)pair(dl,k.value,[el("b","\u2013"),el("small",k.unjudged)]);else{pair(dl,k.value,[el("b","\u00d7"+v[0].replace("*","")),el("small",v[1]?fill(k.between,{low:"\u00d7"+v[1],high:"\u00d7"+v[2]}):"")]);
pair(dl,k.posts,[v[3]]);if(v[0].endsWith("*"))pair(dl,k.incomplete,[])}}return c};
const show=()=>{const rows=picked();say.textContent=rows.length<2?k.pick:"";panel.replaceChildren(...(rows.length?rows.map(card):[]));
const apart=[];for(const a of rows)for(const b of rows){const x=span(a),y=span(b);if(x.length&&y.length&&x[0]>y[1])apart.push(fill(k.apart,{a:a.querySelector(".nama").textContent,b:b.querySelector(".nama").textContent}))}
verdict.textContent=rows.length<2?"":apart.length?apart.join(" "):k.overlap;float.hidden=rows.length<2;float.firstChild.textContent=fill(k.see,{n:rows.length})};
const only=()=>{for(const s of all("[data-grup]")){s.hidden=s.dataset.grup!==group.value;if(s.hidden)for(const e of all("[data-pilih]:checked",s))e.checked=false}show()};
for(const e of all("[data-pilih]"))e.addEventListener("change",()=>{if(picked().length>most){e.checked=false;say.textContent=k.most}else show()});
group.addEventListener("change",only);period.addEventListener("change",show);
const from=location.hash&&document.getElementById(decodeURIComponent(location.hash.slice(1))),start=from&&from.querySelector("[data-pilih]");
if(start){group.value=from.closest("[data-grup]").dataset.grup;start.checked=true}only();if(start)box.scrollIntoView()}
/* one of several sections at a time */
for(const s of all("select[data-satu]")){const parts=all("[data-bagian-dari]"),turn=()=>{for(const p of parts)p.hidden=!!s.value&&p.dataset.bagianDari!==s.value};s.addEventListener("change",turn)}
/* the live layer: the same figure, over the same box */
const figures=data("gambar")||{},live=new Map();let engine=null;
const load=()=>engine||(engine=new Promise((ok,no)=>{const packed=document.getElementById("mesin"),s=document.createElement("script");
const done=()=>window.Plotly?ok(window.Plotly):no(new Error("plotly"));
if(packed){const raw=Uint8Array.from(atob(packed.textContent.trim()),c=>c.charCodeAt(0));
new Response(new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip"))).text().then(code=>{s.textContent=code;document.head.append(s);done()},no)}
else{const src=root.dataset.mesin;if(!src)return no(new Error("none"));s.src=src;s.onload=done;s.onerror=no;document.head.append(s)}}));
const size=()=>matchMedia("(max-width:640px)").matches?"n":"w";
const paint=v=>{if(typeof v==="string"){const n=warna[v.toLowerCase()];return n?getComputedStyle(root).getPropertyValue("--"+n).trim():v}
if(Array.isArray(v))return v.map(paint);if(v&&typeof v==="object"){const o={};for(const k in v)o[k]=k==="customdata"||k==="text"||k==="ticktext"?v[k]:paint(v[k]);return o}return v};
const draw=async box=>{const both=figures[box.dataset.gambar],spec=both&&both[size()];if(!spec)return;const P=await load(),fig=paint({data:both.w.data.map((d,i)=>(spec.data||[])[i]||d),layout:{...both.w.layout,...spec.layout}}),w=box.clientWidth;
fig.layout.font.family=getComputedStyle(document.body).fontFamily;
let el=live.get(box);if(!el){el=document.createElement("div");el.className="lapis";el.setAttribute("aria-hidden","true");box.append(el);live.set(box,el)}
const k=w/fig.layout.width;el.style.cssText=`width:${fig.layout.width}px;height:${fig.layout.height}px;transform:scale(${k});transform-origin:0 0;right:auto;bottom:auto`;
await P.newPlot(el,fig.data,fig.layout,{displayModeBar:false,scrollZoom:false,responsive:false,doubleClick:false,staticPlot:false,showTips:false});
box.classList.add("hidup")};
const redraw=()=>{for(const box of live.keys())draw(box)};
const boxes=all("[data-gambar]"),touch=matchMedia("(hover:none)").matches;
if(boxes.length&&window.Blob){if(touch)for(const b of boxes)b.addEventListener("click",()=>{draw(b).catch(()=>{})},{once:true});
else{const go=()=>{const io=new IntersectionObserver(es=>{for(const e of es)if(e.isIntersecting){io.unobserve(e.target);draw(e.target).catch(()=>{})}},{rootMargin:"200px"});for(const b of boxes)io.observe(b)};
addEventListener("load",()=>(window.requestIdleCallback||(f=>setTimeout(f,400)))(go))}
let last=innerWidth,timer=0;addEventListener("resize",()=>{if(innerWidth!==last){last=innerWidth;clearTimeout(timer);timer=setTimeout(redraw,150)}})}
/* PNG of the drawing on screen, with its title and source */
for(const b of all("[data-png]"))b.addEventListener("click",()=>{const card=b.closest(".kartu"),svg=all(".gambar>svg",card).find(s=>getComputedStyle(s).display!=="none");if(!svg)return;
const copy=svg.cloneNode(true),from=all("*",svg),to=all("*",copy);
from.forEach((e,i)=>{const c=getComputedStyle(e);for(const k of["fill","stroke"])if(e.getAttribute(k)!=="none"&&c[k])to[i].style[k]=c[k]});
const[,,w,h]=svg.getAttribute("viewBox").split(" ").map(Number),font=getComputedStyle(document.body).fontFamily,g=2;
copy.setAttribute("xmlns","http://www.w3.org/2000/svg");copy.setAttribute("width",w*g);copy.setAttribute("height",h*g);copy.style.cssText=`display:block;opacity:1;font-family:${font.replace(/"/g,"'")}`;
const img=new Image();img.onload=()=>{const c=document.createElement("canvas"),x=c.getContext("2d"),css=getComputedStyle(root),lines=[];
const wrap=(s,f,max)=>{x.font=f;let l="";for(const word of s.split(/\s+/)){if(x.measureText(l+" "+word).width>max&&l){lines.push([l,f]);l=word}else l=l?l+" "+word:word}if(l)lines.push([l,f])};
wrap((card.querySelector("h2")||{}).textContent||"",`700 ${17*g}px ${font}`,(w-24)*g);wrap((card.querySelector(".ket")||{}).textContent||"",`400 ${13*g}px ${font}`,(w-24)*g);
const head=lines.length*22*g+18*g,foot=26*g;c.width=w*g;c.height=h*g+head+foot;x.fillStyle=css.getPropertyValue("--surface");x.fillRect(0,0,c.width,c.height);
x.fillStyle=css.getPropertyValue("--ink");lines.forEach(([l,f],i)=>{x.font=f;x.fillText(l,12*g,(26+i*22)*g)});x.drawImage(img,0,head);
x.fillStyle=css.getPropertyValue("--ink2");x.font=`400 ${11*g}px ${font}`;x.fillText(t.stamp,12*g,c.height-9*g);
c.toBlob(p=>{const a=document.createElement("a");a.href=URL.createObjectURL(p);a.download=b.dataset.png+".png";a.click();setTimeout(()=>URL.revokeObjectURL(a.href),1e3)})};
img.src="data:image/svg+xml;charset=utf-8,"+encodeURIComponent(new XMLSerializer().serializeToString(copy))});
})();
