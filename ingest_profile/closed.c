/*
 * closed.c
 *		ISO 4217, 3166 and 639, US states, time zones.
 */
#include "postgres.h"

#include "ingest_profile/closed.h"
#include "pgtime.h"

/* Codes of one width, one behind the other, in order */
static bool
within(const char *codes, int width, const char *text)
{
	int low = 0;
	int high = (int) strlen(codes) / width - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strncmp(text, codes + middle * width, width);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return false;
}

bool
is_currency(const char *text, int len)
{
	static const char codes[] =
		"AEDAFNALLAMDANGAOAARSAUDAWGAZNBAMBBDBDTBGNBHDBIFBMDBNDBOBBRLBSDBTNBWPBYNBZDCADCDFCHFCLFCLPCNYCOPCRCCUPCVECZKDJFDKKDOPDZDEGPERNETBEURFJDFKPGBPGELGHSGIPGMDGNFGTQGYDHKDHNLHRKHTGHUFIDRILSINRIQDIRRISKJMDJODJPYKESKGSKHRKMFKPWKRWKWDKYDKZTLAKLBPLKRLRDLSLLYDMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXNMYRMZNNADNGNNIONOKNPRNZDOMRPABPENPGKPHPPKRPLNPYGQARRONRSDRUBRWFSARSBDSCRSDGSEKSGDSHPSLESOSSRDSSPSTNSVCSYPSZLTHBTJSTMTTNDTOPTRYTTDTWDTZSUAHUGXUSDUYUUZSVESVNDVUVWSTXAFXCDXOFXPFYERZARZMWZWL";

	return len == 3 && within(codes, 3, text);
}

/* In a column that is called so, what was a currency until not long ago is one as well, and metals are */
bool
is_currency_in_column(const char *text, int len)
{
	static const char former[] =
		"ADPAFAATSAZMBEFBGLBYBBYRCSDCUCCYPDEMECSEEKESPFIMFRFGHCGRDGWPHRKIEPITLLTLLUFLVLMGFMROMTLMZMNLGPTEROLRURSDDSITSKKSLLSRGSTDTMMTRLUAKVEBVEFXAGXAUXBAXBBXBCXBDXDRXEUXPDXPTXSUXTSXUAXXXYUMZMKZWDZWN";

	return is_currency(text, len) || (len == 3 && within(former, 3, text));
}

bool
is_country2(const char *text, int len)
{
	static const char codes[] =
		"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

	return len == 2 && within(codes, 2, text);
}

bool
is_country3(const char *text, int len)
{
	static const char codes[] =
		"ABWAFGAGOAIAALAALBANDAREARGARMASMATAATFATGAUSAUTAZEBDIBELBENBESBFABGDBGRBHRBHSBIHBLMBLRBLZBMUBOLBRABRBBRNBTNBVTBWACAFCANCCKCHECHLCHNCIVCMRCODCOGCOKCOLCOMCPVCRICUBCUWCXRCYMCYPCZEDEUDJIDMADNKDOMDZAECUEGYERIESHESPESTETHFINFJIFLKFRAFROFSMGABGBRGEOGGYGHAGIBGINGLPGMBGNBGNQGRCGRDGRLGTMGUFGUMGUYHKGHMDHNDHRVHTIHUNIDNIMNINDIOTIRLIRNIRQISLISRITAJAMJEYJORJPNKAZKENKGZKHMKIRKNAKORKWTLAOLBNLBRLBYLCALIELKALSOLTULUXLVAMACMAFMARMCOMDAMDGMDVMEXMHLMKDMLIMLTMMRMNEMNGMNPMOZMRTMSRMTQMUSMWIMYSMYTNAMNCLNERNFKNGANICNIUNLDNORNPLNRUNZLOMNPAKPANPCNPERPHLPLWPNGPOLPRIPRKPRTPRYPSEPYFQATREUROURUSRWASAUSDNSENSGPSGSSHNSJMSLBSLESLVSMRSOMSPMSRBSSDSTPSURSVKSVNSWESWZSXMSYCSYRTCATCDTGOTHATJKTKLTKMTLSTONTTOTUNTURTUVTWNTZAUGAUKRUMIURYUSAUZBVATVCTVENVGBVIRVNMVUTWLFWSMYEMZAFZMBZWE";

	return len == 3 && within(codes, 3, text);
}

bool
is_language(const char *text, int len)
{
	static const char codes[] =
		"aaabaeafakamanarasavayazbabebgbhbibmbnbobrbscacechcocrcscucvcydadedvdzeeeleneoeseteufafffifjfofrfygagdglgngugvhahehihohrhthuhyhziaidieigiiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkylalblglilnloltlulvmgmhmimkmlmnmrmsmtmynanbndnengnlnnnonrnvnyocojomorospapiplpsptqurmrnrorurwsascsdsesgsiskslsmsnsosqsrssstsusvswtatetgthtitktltntotrtstttwtyugukuruzvevivowawoxhyiyozazhzu";

	return len == 2 && within(codes, 2, text);
}

/* ISO 639-2, both the codes by the languages' own names and the bibliographic ones */
bool
is_language3(const char *text, int len)
{
	static const char codes[] =
		"aarabkaceachadaadyafaafhafrainakaakkalbalealgaltamhanganpapaaraarcargarmarnarpartarwasmastathausavaaveawaaymazebadbaibakbalbambanbaqbasbatbejbelbembenberbhobihbikbinbisblabntbodbosbrabrebtkbuabugbulburbyncadcaicarcatcaucebcelceschachbchechgchichkchmchnchochpchrchuchvchycmccnrcopcorcoscpecpfcppcrecrhcrpcsbcuscymczedakdandardaydeldendeudgrdindivdoidradsbduadumdutdyudzoefiegyekaellelxengenmepoesteuseweewofanfaofasfatfijfilfinfiufonfrafrefrmfrofrrfrsfryfulfurgaagaygbagemgeogergezgilglagleglgglvgmhgohgongorgotgrbgrcgregrngswgujgwihaihathauhawhebherhilhimhinhithmnhmohrvhsbhunhuphyeibaiboiceidoiiiijoikuileiloinaincindineinhipkirairoislitajavjbojpnjprjrbkaakabkackalkamkankarkaskatkaukawkazkbdkhakhikhmkhokikkinkirkmbkokkomkonkorkoskpekrckrlkrokrukuakumkurkutladlahlamlaolatlavlezlimlinlitlollozltzlualublugluilunluolusmacmadmagmahmaimakmalmanmaomapmarmasmaymdfmdrmenmgamicminmismkdmkhmlgmltmncmnimnomohmonmosmrimsamulmunmusmwlmwrmyamynmyvnahnainapnaunavnblndendondsnepnewnianicniunldnnonobnognonnornqonsonubnwcnyanymnynnyonziociojioriormosaossotaotopaapagpalpampanpappaupeoperphiphnplipolponporprapropusquerajraprarroarohromronrumrunruprussadsagsahsaisalsamsansassatscnscoselsemsgasgnshnsidsinsiositslaslksloslvsmasmesmismjsmnsmosmssnasndsnksogsomsonsotspasqisrdsrnsrpsrrssasswsuksunsussuxswaswesycsyrtahtaitamtatteltemtertettgktglthatibtigtirtivtkltlhtlitmhtogtontpitsitsntsotuktumtupturtuttvltwityvudmugauigukrumbundurduzbvaivenvievolvotwakwalwarwaswelwenwlnwolxalxhoyaoyapyidyorypkzapzblzenzghzhazhozndzulzunzxxzza";

	return len == 3 && within(codes, 3, text);
}

/* BCP 47: language, perhaps script, region */
bool
is_language_tag(const char *text, int len)
{
	char sep;
	const char *region;

	if (len < 5 || len > 10 || !is_language(text, 2))
		return false;
	sep = text[2];
	if (sep != '-' && sep != '_')
		return false;
	region = text + 3;
	if (len == 10)
	{
		/* Hans, Latn, Cyrl */
		if (region[0] < 'A' || region[0] > 'Z' || region[4] != sep)
			return false;
		region += 5;
	}
	else if (len != 5)
		return false;
	return is_country2(region, 2);
}

bool
is_time_zone(const char *text, int len)
{
	static const char *const areas[] = {"Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/",
										"Australia/", "Europe/", "Indian/", "Pacific/", "Etc/"};
	char name[TZ_STRLEN_MAX + 1];

	if (len == 3 && (strncmp(text, "UTC", 3) == 0 || strncmp(text, "GMT", 3) == 0))
		return true;
	if (len > TZ_STRLEN_MAX)
		return false;
	for (int i = 0; i < lengthof(areas); i++)
	{
		if (len > strlen(areas[i]) && strncmp(text, areas[i], strlen(areas[i])) == 0)
		{
			memcpy(name, text, len);
			name[len] = '\0';
			return pg_tzset(name) != NULL;
		}
	}
	return false;
}

bool
is_us_state(const char *text, int len)
{
	static const char codes[] =
		"AKALARASAZCACOCTDCDEFLGAGUHIIAIDILINKSKYLAMAMDMEMIMNMOMPMSMTNCNDNENHNJNMNVNYOHOKORPAPRRISCSDTNTXUTVAVIVTWAWIWVWY";

	return len == 2 && within(codes, 2, text);
}

/* Two letters that are a country, or one of the common longer ones */
bool
is_top_domain(const char *text, int len)
{
	static const char *const domains[] = {"com", "org", "net", "edu", "gov", "int", "mil", "info", "biz", "name", "pro", "aero", "coop",
										  "museum", "app", "dev", "io", "shop", "online", "store", "cloud", "test", "example", "local",
										  "eu", "uk", "ac", "su", "xyz", "site", "tech", "bank", "jobs", "mobi", "travel"};
	char upper[2];

	for (int i = 0; i < lengthof(domains); i++)
	{
		if (strlen(domains[i]) == len && pg_strncasecmp(text, domains[i], len) == 0)
			return true;
	}
	if (len != 2)
		return false;
	upper[0] = pg_toupper((unsigned char) text[0]);
	upper[1] = pg_toupper((unsigned char) text[1]);
	return is_country2(upper, 2);
}
